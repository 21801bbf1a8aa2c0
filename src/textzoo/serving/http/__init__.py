"""Conversations for programs: an HTTP server that speaks OpenAI's API. One answer at a time, others wait in a queue."""
