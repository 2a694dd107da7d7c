"""The page around the rooms, and what stands between it and the network.

`page` puts the rooms together, `middleware` serves and compresses, `access`, `login`, `limits`, `sessions`
and `policy` say who may ask what, `warm_up` loads what is embedded once the page is up.
"""
