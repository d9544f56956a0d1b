"""A given script, aligned with what was recognized."""
