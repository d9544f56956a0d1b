"""Names under which a system's answer to an utterance is looked for.

In goes an utterance; out come its id and the path and name of its sound, the surest first: folders of
speakers have files of equal names, so that a path counts before a name.
"""

from __future__ import annotations

from pathlib import Path

from qasr_cli.evaluation.utterances import Utterance

_MAX_FOLDERS = 3  # of a sound's path that outputs may have kept


def keys_of(utterance: Utterance) -> list[str]:
    """Return the names under which an utterance's answer is looked for, the surest first."""
    keys = [utterance.id, bare(utterance.id)]
    if utterance.audio is not None:
        path = utterance.audio.path
        keys += [path.as_posix(), bare(path.as_posix())]
        for n_parts in range(_MAX_FOLDERS + 1, 0, -1):
            place = Path(*path.parts[-n_parts:]).as_posix()
            keys += [place, bare(place)]
    return list(dict.fromkeys(key for key in keys if key))


def bare(name: str) -> str:
    """Return a name without the suffix of a sound."""
    suffix = Path(name).suffix
    return name[: -len(suffix)] if suffix and not suffix[1:].isdecimal() else name
