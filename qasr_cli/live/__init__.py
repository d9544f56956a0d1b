"""Endless input: live sessions, what they listen to, and where their text goes."""
