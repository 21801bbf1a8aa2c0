"""Layers shared by the architectures. Each has `call` over a window and, where it keeps state, `decode_step`."""
