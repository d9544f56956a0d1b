"""`python -m qasr_cli` and the `qasr` command."""

from __future__ import annotations


def main() -> None:
    """Run the command line and exit with its code."""
    from qasr_cli.cli.app import run

    run()


if __name__ == "__main__":
    main()
