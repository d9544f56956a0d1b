"""Hold the house to its sizes: short modules, short functions, few parameters, names that say something.

Run as `python -m tools.check_sizes` from the root; prints each offender and exits 1 if there is one. The
limits come from measuring admired code: the 95th percentile of function length is what sets it apart.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_PARAMETERS = 6
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "handler"}
# A command's parameters are its flags: Typer reads them there, and nothing else calls the function.
FREE_OF_PARAMETER_LIMIT = {
    f"qasr_cli/cli/{name}.py" for name in ("transcribe", "watch", "align", "render", "check")
}
PLACES = ("qasr_cli", "tools", "tests", "docker")


def complaints(path: Path) -> Iterator[str]:
    """Yield what is too large, or says nothing, in one file."""
    text = path.read_text(encoding="utf-8")
    n_lines = text.count("\n")
    if n_lines > MAX_MODULE_LINES:
        yield f"{path}: {n_lines} lines, at most {MAX_MODULE_LINES}"
    if path.stem in EMPTY_NAMES:
        yield f"{path}: a name that does not say what lives there"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _complaints_of_function(path, node)


def _complaints_of_function(path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    where = f"{path}:{node.lineno}: {node.name}"
    n_lines = (node.end_lineno or node.lineno) - node.lineno + 1
    is_free = path.as_posix() in FREE_OF_PARAMETER_LIMIT
    if n_lines > MAX_FUNCTION_LINES:
        yield f"{where} has {n_lines} lines, at most {MAX_FUNCTION_LINES}"
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    n_parameters = len(arguments) - (arguments[:1] != [] and arguments[0].arg in {"self", "cls"})
    if n_parameters > MAX_PARAMETERS and not is_free and path.parts[0] != "tests":
        yield f"{where} takes {n_parameters} parameters, at most {MAX_PARAMETERS}"


def main() -> int:
    """Check every module and say how many were checked."""
    paths = sorted(path for place in PLACES for path in Path(place).rglob("*.py"))
    if not paths:
        print("no modules found: run from the root of the repository", file=sys.stderr)
        return 1
    found = [line for path in paths for line in complaints(path)]
    print("\n".join([*found, f"sizes: {len(paths)} modules checked, {len(found)} complaints"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
