"""`python -m qasr_cli` and the `qasr` command."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line and exit with its code."""
    gc.disable()  # finds nothing while modules load, and takes 8 % of that time; a command enables it again
    try:
        from qasr_cli.terminal import stdio

        stdio.begin()  # before anything can open a file, which would get the number of a closed stream
        from qasr_cli.cli import signals

        signals.install()
        from qasr_cli.cli.app import run

        run()
    except KeyboardInterrupt:  # during the imports, or while an error is reported
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
