"""Web browsers: the model as WebAssembly in a page of one file."""
