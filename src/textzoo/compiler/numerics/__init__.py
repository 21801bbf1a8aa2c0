"""Integer arithmetic as LiteRT's reference kernels and the C runtime define it."""
