"""What the configuration says about grammars."""

MAX_BYTES = 1 << 17  # of a grammar as users write it
MAX_DEPTH = 20  # how often a rule may contain itself
