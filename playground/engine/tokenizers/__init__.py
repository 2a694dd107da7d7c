"""Text to tokens and back, whichever library reads the tokenizer.

`adapter` is the interface, `libraries` and `huggingface` its implementations, `sandboxed` the one of a
stranger's tokenizer; `pieces` and `spelling` lead from bytes to characters, `tokenize` is what rooms ask,
`vocabulary` all entries, `bpe` and `wordpiece` replay how a token came to be, `model_inputs` is what a
network is given.
"""
