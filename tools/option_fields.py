"""An extension of griffe, which reads the code for the page of the Python API: fields that describe a flag.

In go the fields of option groups, `name: type = option(default, panel, help, ...)`; out they come as
`name: type = default` with their help as docstring: the page shows what a user sets, and not how a flag is
described.
"""

from __future__ import annotations

import ast
from typing import Any

from griffe import Attribute, Docstring, ExprCall, Extension

_DESCRIBED_BY = {"option", "seconds"}  # the functions of `qasr_cli.options.flag` that return a field


class OptionFields(Extension):  # type: ignore[misc] # griffe is in the environment of `make docs` only
    """Shows a field's default and help in place of its description as a flag."""

    def on_attribute_instance(self, *, attr: Attribute, **_: Any) -> None:
        """Change one attribute as it is read."""
        call = attr.value
        function = str(call.function) if isinstance(call, ExprCall) else ""
        if function not in _DESCRIBED_BY:
            return
        default, _panel, flag_help, *_ = call.arguments
        unit = " The flag takes seconds, the field whole milliseconds." if function == "seconds" else ""
        attr.value = default
        attr.docstring = Docstring(ast.literal_eval(str(flag_help)) + unit, parent=attr)
