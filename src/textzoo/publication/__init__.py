"""A trained model as a folder for the Hugging Face hub: its files, what is known of it, and its card."""
