"""`python -m qasr_cli` and the `qasr` command."""

from __future__ import annotations


def main() -> None:
    """Run the command line and exit with its code."""
    from qasr_cli.terminal import stdio

    stdio.begin()  # before anything can open a file, which would get the number of a closed stream
    from qasr_cli.cli import signals

    signals.install()
    try:
        from qasr_cli.cli.app import run
    except KeyboardInterrupt:  # as early as that there is nothing to say
        raise SystemExit(130) from None
    run()


if __name__ == "__main__":
    main()
