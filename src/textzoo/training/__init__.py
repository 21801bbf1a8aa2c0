"""Training: from initial weights and token arrays to the best weights, resumable at any moment."""
