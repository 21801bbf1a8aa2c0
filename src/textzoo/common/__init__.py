"""What every room may use: errors, files, processes, the console. Knows nothing of the project."""
