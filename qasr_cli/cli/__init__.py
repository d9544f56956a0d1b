"""From flags to an exit code; the only package that uses Typer."""
