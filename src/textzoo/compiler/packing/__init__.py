"""Weights without loss in the form that is asked for, in the order in which a kernel reads them."""
