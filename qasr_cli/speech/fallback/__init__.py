"""What is done about doubtful text: retries, language votes, coverage."""
