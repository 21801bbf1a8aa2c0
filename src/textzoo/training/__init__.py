"""Training: find the best weights for token arrays, resumable at any time."""
