"""What the app needs of its machine: files, memory, cancelling, untrusted JSON; what libraries never promise.

Knows nothing of models or pages. `disk` writes whole files or none, `lru` keeps the newest of anything,
`cancellation` ends work that nobody waits for, `untrusted_json` reads what strangers wrote, `heap` gives
memory back, `internals` lists what other libraries never promised.
"""
