"""What came of a run: summary, report, page, status, hooks."""
