"""Next token: every token that could follow, what temperature and filters make of it, and the way inside."""
