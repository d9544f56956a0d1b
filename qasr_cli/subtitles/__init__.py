"""Words in, cues out: width, line breaks, timing. Pure, and in milliseconds."""
