"""Results whose names a file system refuses, or takes for one name, before hours are spent on them.

In go plans of a run that is about to begin; out come the plans, with an error where a name cannot be. Makes
and removes a temporary file where a name gives reason to.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from qasr_cli.errors import NAME_HINT, CannotCreateError, windows_chars
from qasr_cli.runs.files import folder_names
from qasr_cli.runs.planning.output_names import Target
from qasr_cli.runs.planning.output_plan import Plan


def refuse_unnameable(plans: Sequence[Plan]) -> list[Plan]:
    """Return the plans; one whose result cannot have its name here has an error."""
    limits = _Limits()
    return [limits.checked(plan) for plan in plans]


@dataclass(slots=True)
class _Limits:
    """What the folders of a run have shown so far."""

    _complaints: dict[tuple[Path, str], str] = field(default_factory=dict)
    _is_ignoring_case: dict[Path, bool] = field(default_factory=dict)
    _taken: dict[tuple[Path, str], tuple[Target, Path]] = field(default_factory=dict)

    def checked(self, plan: Plan) -> Plan:
        """Return a plan, with an error if one of its names cannot be."""
        for target in plan.targets.values() if plan.is_work else ():
            error = self._error(plan.source.relative, target)
            if error is not None:
                return replace(plan, targets={}, error=error)
        return plan

    def _error(self, relative: Path, target: Target) -> CannotCreateError | None:
        folder, name = _existing(target.folder), target.shown.name
        chars = windows_chars(name)
        if chars:
            if (folder, chars) not in self._complaints:
                self._complaints[folder, chars] = folder_names.complaint(folder, chars)
            if complaint := self._complaints[folder, chars]:
                return CannotCreateError.about(
                    relative, f"folder {folder} takes no file of the name {name} ({complaint})", NAME_HINT
                )
        other, other_relative = self._taken.setdefault((target.folder, name.casefold()), (target, relative))
        if other_relative == relative or other.name_parts == target.name_parts:
            return None
        if folder not in self._is_ignoring_case:
            self._is_ignoring_case[folder] = folder_names.is_ignoring_case(folder)
        if not self._is_ignoring_case[folder]:
            return None
        return CannotCreateError.about(
            relative,
            f"{other_relative} is transcribed to {other.shown.name}, which is the same as {name} in {folder}",
            "rename one of the two, or run them with different -o DIR",
        )


def _existing(folder: Path) -> Path:
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder
