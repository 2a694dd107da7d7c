"""A stranger's tokenizer in a process of its own: its parent's side, and what goes over the pipe.

`process` starts, limits and ends the child, `wire` is the form of a message, `tokenizer` what a loader
hands out. The child's program is `playground.engine.tokenizers.sandbox_process`, which is started and never
imported.
"""
