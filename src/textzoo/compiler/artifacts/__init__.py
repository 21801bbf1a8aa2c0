"""Files made from a compiled model: tokenizer tables, weight files, the memory map."""
