"""Where results go, and what is done in which order."""
