"""Conversations with a model over any engine. The terminal, HTTP and the web page are faces of this core."""
