"""Sentences: texts on a map by meaning, search, similarities, clusters."""
