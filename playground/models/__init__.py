"""What can be loaded, and the one cache that all rooms share.

`catalog` turns names into cards, `cache` leases loaded models and evicts by bytes, `devices` chooses where
and in which number format, `weights` counts bytes, `uploads` keeps what visitors bring. Knows no engine and
no page.
"""
