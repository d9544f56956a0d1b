"""A script that exists, laid over what was recognized."""
