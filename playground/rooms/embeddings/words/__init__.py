"""Words: neighbours and analogies in word vectors."""
