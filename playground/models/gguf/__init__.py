"""GGUF files: their header read without trust, what it says of the model, and the tokenizer in it."""
