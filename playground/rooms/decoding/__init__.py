"""Decoding: greedy, sampling and beam search side by side, and experiments that measure."""
