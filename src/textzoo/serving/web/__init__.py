"""The face for a browser: a page of Gradio on the conversation core."""
