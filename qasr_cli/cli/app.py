"""The one command line."""


def run() -> None:
    """Run."""
