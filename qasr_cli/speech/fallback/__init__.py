"""The fallback for flagged text: retries, language votes, coverage."""
