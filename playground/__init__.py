"""LLM Playground: see how language models work, on real models."""
