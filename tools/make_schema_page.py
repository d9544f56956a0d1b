"""Write the reference page of the JSON schemas from the schemas: `python -m tools.make_schema_page`.

In go the files of docs/reference/schemas; out comes docs/reference/json.md with a table for each kind of
object. A test compares the page in the repository with what this writes, so that neither can go stale.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "docs" / "reference" / "schemas"
PAGE = ROOT / "docs" / "reference" / "json.md"
# In the order in which a user meets them.
NAMES = (
    "transcript",
    "report",
    "ledger",
    "events",
    "live",
    "status",
    "webhook",
    "check",
    "align",
    "bench",
    "eval",
    "config",
)
_HEAD = """# JSON schemas

<!-- Made by python -m tools.make_schema_page; edit the schemas instead. -->

Each kind of JSON that qasr writes has a [JSON Schema](https://json-schema.org/draft/2020-12) (draft 2020-12).
A test validates real output against these files. The schemas name every key of this version and allow no
other. A reader should ignore keys that it does not know: a later version may add some to the same schema.
A key that changes its meaning or goes away changes the number in the schema's name.

Names end in their unit: `_ms` milliseconds, `_s` seconds, `_hz` hertz, `_bytes` bytes. Counts begin with
`n_`. Checkpoints (`.qasr/checkpoints/`) are not an interface.
"""

Schema = Mapping[str, Any]
Row = tuple[str, str, str]


def page() -> str:
    """Return the whole page."""
    parts = [_HEAD]
    for name in NAMES:
        schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
        link = f"Schema: [{name}](schemas/{name}.schema.json)."
        parts += [f"## {schema['title']}\n\n{schema['description']} {link}\n", *_tables(schema)]
    return "\n".join(parts)


def _tables(schema: Schema) -> Iterator[str]:
    rows = _Rows(schema)
    variants = [rows.resolved(one) for one in schema.get("oneOf", [])]
    for variant in variants:
        yield f"### {variant['title']}\n\n{_table(rows.below(variant))}"
    if not variants:
        yield _table(rows.below(schema))


def _table(rows: Iterable[Row]) -> str:
    lines = [f"| `{path}` | {kind} | {meaning} |" for path, kind, meaning in rows]
    return "\n".join(["| key | type | meaning |", "|---|---|---|", *lines]) + "\n"


class _Rows:
    """The rows of one schema; a definition that several keys share is spelt out at the first of them."""

    def __init__(self, schema: Schema) -> None:
        self._definitions: Schema = schema.get("$defs", {})
        self._spelt_out: dict[str, str] = {}  # definition: the key at which it is

    def below(self, value: Schema, path: str = "") -> Iterator[Row]:
        """Yield a row for each key below a value, in the order in which output has them."""
        items = value.get("items", {})
        variants = items.get("oneOf", [items]) if items else []
        for variant in variants:
            found = self.resolved(variant)
            if len(variants) > 1:
                yield f"{path}[]", "object", f"{found['title']}:"
            if self._is_first(variant, f"{path}[]"):
                yield from self.below(found, f"{path}[]")
        for key, child in value.get("properties", {}).items():
            found = self.resolved(child)
            full = f"{path}.{key}" if path else key
            optional = "" if key in value.get("required", ()) else " May be missing."
            if self._is_first(child, full):
                yield full, _kind(found), f"{found.get('description', '')}{optional}"
                yield from self.below(found, full)
            else:
                same = f" Keys as in `{self._spelt_out[child['$ref']]}`."
                yield full, _kind(found), f"{found.get('description', '')}{same}{optional}"

    def resolved(self, value: Schema) -> Schema:
        """Return a value with the definition that it refers to; its own description comes first."""
        if "$ref" not in value:
            return value
        found: Schema = self._definitions[value["$ref"].rpartition("/")[2]]
        return {**found, **{key: one for key, one in value.items() if key != "$ref"}}

    def _is_first(self, value: Schema, path: str) -> bool:
        reference = value.get("$ref")
        return reference is None or self._spelt_out.setdefault(reference, path) == path


def _kind(value: Schema) -> str:
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    types = value.get("type", [])
    return types if isinstance(types, str) else " or ".join(types)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
