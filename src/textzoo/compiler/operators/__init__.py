"""The table of operators: a new one is one row here, and one file if it is of a new kind."""
