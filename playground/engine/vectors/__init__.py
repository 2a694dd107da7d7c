"""Sentences to vectors [n, dimension], their neighbours, and their projection to 2 or 3 dimensions."""
