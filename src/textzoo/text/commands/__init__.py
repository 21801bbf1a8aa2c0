"""Commands: sentences, what they ask for, and how well a model understands them."""
