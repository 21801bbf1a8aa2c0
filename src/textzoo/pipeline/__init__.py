"""What services share: inputs, firmware, budget, pictures."""
