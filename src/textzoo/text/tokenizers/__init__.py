"""From text to tokens: one file per kind, in the table of `base`."""
