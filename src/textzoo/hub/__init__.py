"""The Hugging Face hub: files named hf://..., downloads that are checked, and uploads in one commit."""
