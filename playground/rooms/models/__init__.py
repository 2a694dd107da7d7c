"""Models on this server: what is loaded and what it takes, what could be, and a first try of each."""
