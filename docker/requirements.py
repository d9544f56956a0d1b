"""What qasr needs, as a list for pip: the dependencies of pyproject.toml and those of some extras.

    python docker/requirements.py --extras serve,wyoming --without torch imageio-ffmpeg

Out come the requirements, one a line, to stdout. With them in a layer of its own, a new version of qasr
changes only the last and smallest layer of an image. It never installs anything.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Collection, Iterable
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def requirements(project: Path, extras: Iterable[str], without: Collection[str]) -> list[str]:
    """Return what the project and these extras need, but for the packages of `without`.

    Raises:
        SystemExit: There is no such extra, or nothing of that name to leave out.
    """
    table = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    offered = table["optional-dependencies"]
    unknown = [extra for extra in extras if extra not in offered]
    if unknown:
        raise SystemExit(f"no such extra: {', '.join(unknown)}; there are {', '.join(sorted(offered))}")
    lines = [*table["dependencies"], *(line for extra in extras for line in offered[extra])]
    names = {line: name[0] for line in lines if (name := _NAME.match(line))}
    missing = set(without) - set(names.values())
    if missing:
        raise SystemExit(f"not among the requirements: {', '.join(sorted(missing))}")
    return [line for line, name in names.items() if name not in without]


def main() -> None:
    """Print the list."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--project", type=Path, default=Path("pyproject.toml"))
    parser.add_argument("--extras", default="", help="with commas between")
    parser.add_argument("--without", nargs="*", default=[])
    asked = parser.parse_args()
    extras = [extra.strip() for extra in asked.extras.split(",") if extra.strip()]
    sys.stdout.write("\n".join(requirements(asked.project, extras, asked.without)) + "\n")


if __name__ == "__main__":
    main()
