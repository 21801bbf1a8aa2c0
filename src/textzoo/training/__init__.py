"""Training: from token arrays to the best weights, resumable at any moment."""
