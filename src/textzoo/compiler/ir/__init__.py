"""What the compiler works on: the graph of operators, and the program of kernel calls."""
