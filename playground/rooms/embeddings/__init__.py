"""Embeddings: three views of vectors, each a room of its own."""
