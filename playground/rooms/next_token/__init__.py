"""Next token: every token that could follow, what temperature and filters make of them, and the way inside."""
