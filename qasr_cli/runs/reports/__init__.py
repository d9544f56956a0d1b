"""Reports of a run: summary line, report file, HTML page, status file, hooks."""
