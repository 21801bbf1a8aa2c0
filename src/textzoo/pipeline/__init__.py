"""Code that services share: inputs, firmware, budget, plots, comparisons."""
