"""Tokens: one text under several tokenizers, step by step, its vocabulary, merges, and the chat template."""
