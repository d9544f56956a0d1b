"""The maps of confidences that were fitted for models, and where they are kept.

In go a model and a map; out come files. A map is written as `confidence.json` beside the weights, where the
folder is the user's own; for a model of the hub's cache or the package, and where that cannot be written,
into qasr's data folder (`$XDG_DATA_HOME/qasr/confidence`, else `~/.local/share/qasr/confidence`), whose map
counts first. A map of other weights does not count, nor does a damaged one.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qasr_cli import bounded_json
from qasr_cli.engines.model_store import StoredModel
from qasr_cli.errors import CannotCreateError
from qasr_cli.operating_system import files, user_folders
from qasr_cli.speech.inference.confidence_map import UNFITTED, ConfidenceMap, Evidence, Knot

logger = logging.getLogger(__name__)

NAME = "confidence.json"
SCHEMA = "qasr.confidence.v1"
_MAX_BYTES = 100_000  # three curves of 1,000 knots
_MAX_KNOTS = 1_000


def load(recognizer: StoredModel, aligner_id: str) -> ConfidenceMap:
    """Return the map of a pair of models; one without curves if there is none.

    Curves that were fitted with another aligner are left out, but for that of tokens alone.
    """
    for path in _places(recognizer):
        try:
            content = bounded_json.loads(files.read_regular(path, _MAX_BYTES))
            return _parse(content, recognizer.id, aligner_id)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            logger.warning("%s is no map of confidences for %s: %s", path, recognizer.id, error)
    return UNFITTED


def store(
    recognizer: StoredModel, aligner_id: str, confidences: ConfidenceMap, facts: Mapping[str, object]
) -> Path:
    """Write a map, in place of the one before, and return its file.

    Args:
        recognizer: The model that it was fitted for.
        aligner_id: The aligner's; "" without one.
        confidences: The map.
        facts: What it was fitted to; they are kept beside it and never read.

    Raises:
        CannotCreateError: No place can be written.
    """
    content = {
        "schema": SCHEMA,
        "model": recognizer.id,
        "aligner": aligner_id,
        "curves": {evidence.value: list(confidences.knots(evidence)) for evidence in Evidence},
        **facts,
    }
    text = json.dumps(content, indent=1) + "\n"
    in_order = _places(recognizer)
    # Beside the weights first, and never in the hub's cache or in the package.
    usable = in_order[::-1] if _is_of_user(recognizer.folder) else in_order[:-1]
    reason = "neither HOME nor XDG_DATA_HOME is an absolute path"
    for path in usable:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(path, text)
            for other in in_order[: in_order.index(path)]:
                other.unlink(missing_ok=True)  # it would count before the new one
            return path
        except OSError as error:
            reason = error.strerror or str(error)
    raise CannotCreateError.about(recognizer.folder / NAME, reason, "set XDG_DATA_HOME to a folder of yours")


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(f".{NAME}.{os.getpid()}.part")
    try:
        temporary.write_text(text, "utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _places(recognizer: StoredModel) -> list[Path]:
    """Return the files that may hold a model's map, the first to count first; the last is by the weights."""
    beside = recognizer.folder / NAME
    base = user_folders.xdg("XDG_DATA_HOME", ".local", "share")
    if base is None:
        return [beside]
    return [base / "qasr" / "confidence" / f"{recognizer.id.replace('/', '-')}.json", beside]


def _is_of_user(folder: Path) -> bool:
    """Whether a model's folder is neither in the hub's cache nor in this package."""
    is_in_hub = folder.parent.name == "snapshots"
    return not is_in_hub and Path(__file__).parents[1] not in files.real_path(folder).parents


def _parse(content: Any, model_id: str, aligner_id: str) -> ConfidenceMap:
    """Return the map of a file.

    Raises:
        ValueError: It is of another schema or model, or damaged.
    """
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise ValueError(f"it has not the schema {SCHEMA}")
    if content.get("model") != model_id:
        raise ValueError("it was fitted for other weights")
    curves = content.get("curves")
    if not isinstance(curves, dict):
        raise ValueError("it has no curves")
    is_same = content.get("aligner") == aligner_id
    found = {
        evidence: _knots(curves.get(evidence.value, []))
        for evidence in Evidence
        if is_same or evidence is Evidence.TOKENS
    }
    return ConfidenceMap(*(found.get(evidence, ()) for evidence in Evidence))


def _knots(values: Any) -> tuple[Knot, ...]:
    if not isinstance(values, list) or len(values) > _MAX_KNOTS:
        raise ValueError("a curve is no list of knots")
    for knot in values:
        if not isinstance(knot, list) or [type(number) in (int, float) for number in knot] != [True, True]:
            raise ValueError("a knot is no pair of numbers")
    return tuple((float(x), float(y)) for x, y in values)
