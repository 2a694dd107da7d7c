"""Logits, and what is made of them: the next token, sampling, beam search, chat.

`logits` reads a prompt, `kv_cache` and `prefix_cache` keep what was read, `filters` and `sampling` choose,
`generate` and `beam_search` write, `probabilities` re-weighs kept logits, `detokenize` streams text,
`interpret` looks inside; `chat_template`, `conversation` and `prompts` make what a model reads.
"""
