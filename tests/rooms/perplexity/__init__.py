"""Perplexity: how surprised a model is by a text. A room of the size that a first room has."""
