"""Whether the official `qwen-asr` package writes the same text with the same weights, where it is installed.

In go the model's options and a Python interpreter of the user's that has the package; out comes a comparison
on the sentences that ship with qasr. The package runs in a process of its own, since it pins other versions.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from importlib.resources import files as package_files
from pathlib import Path

import numpy as np

from qasr_cli import bounded_json, engines
from qasr_cli.engines import model_store
from qasr_cli.errors import QasrError
from qasr_cli.hooks.command import CommandTemplate, Facts, Runner
from qasr_cli.operating_system import files, scratch
from qasr_cli.options import Options
from qasr_cli.records import INT16_SCALE
from qasr_cli.tasks.first_run_trials import texts_of

_SCRIPT = "official_texts.py"
_TIMEOUT_S = 900.0
_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class OfficialTexts:
    """How many clips have the same text in both.

    Attributes:
        error: Why there is no comparison; "" if there is one.
    """

    n_clips: int = 0
    n_equal: int = 0
    version: str = ""
    error: str = ""


def compare(options: Options, python: Path) -> OfficialTexts:
    """Return the comparison, in fp32, or why there is none."""
    from qasr_cli.engines.qwen3 import calibration

    clips = [samples * np.float32(INT16_SCALE) for samples in calibration.clips()]
    stored = model_store.find(model_store.recognizer_location(options.engine.model), options.engine.revision)
    if stored is None:
        return OfficialTexts(error="the model is not in a folder or the hub's cache")
    script = Path(str(package_files("qasr_cli.engines.qwen3") / _SCRIPT))
    with scratch.folder() as folder:
        np.savez(folder / "clips.npz", **_named(clips))  # type: ignore[arg-type]  # numpy has a flag there, too
        words = (str(python), str(script), str(stored.folder), str(folder))
        try:
            Runner(CommandTemplate(tuple(map(_literal, words))), _TIMEOUT_S).run(Facts(script, (), "", ""))
            answer = bounded_json.loads(files.read_regular(folder / "texts.json", _MAX_BYTES))
        except (QasrError, OSError, ValueError) as error:
            return OfficialTexts(error=_without_paths(error, (python, stored.folder, folder, script)))
    theirs = answer.get("texts") if isinstance(answer, dict) else None
    if not isinstance(theirs, list) or len(theirs) != len(clips):
        return OfficialTexts(error="it gave no text for every clip")
    session = engines.load(replace(options.engine, dtype="fp32", offline=True))
    ours = texts_of(clips, session)
    n_equal = sum(one == other for one, other in zip(ours, theirs, strict=True))
    return OfficialTexts(len(clips), n_equal, str(answer.get("version", ""))[:40])


def _named(clips: list[np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{number}": clip for number, clip in enumerate(clips)}


def _literal(word: str) -> str:
    return word.replace("{", "{{").replace("}", "}}")


def _without_paths(error: Exception, paths: tuple[Path, ...]) -> str:
    text = error.message if isinstance(error, QasrError) else str(error)
    for path in paths:
        text = text.replace(str(path), path.name)
    return json.dumps(text, ensure_ascii=False)[1:-1]
