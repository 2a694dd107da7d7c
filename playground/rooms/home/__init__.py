"""Home: one sentence through the whole machine, step by step, and the way on from there."""
