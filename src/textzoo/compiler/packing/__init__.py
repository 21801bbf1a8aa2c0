"""Weights without loss in the smallest form that holds them, in the order in which a kernel reads them."""
