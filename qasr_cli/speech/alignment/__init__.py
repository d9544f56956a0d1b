"""When each word of a text is said."""
