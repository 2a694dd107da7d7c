"""Chat: a conversation whose every token shows its probability, and what the model really reads."""
