"""Token vectors: what a model makes of each token, layer by layer, and of one word in several senses."""
