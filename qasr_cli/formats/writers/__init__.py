"""One module a format that qasr writes."""
