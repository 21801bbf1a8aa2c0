"""What the configuration says about grammars."""

MAX_DEPTH = 20  # how often a rule may contain itself
