"""Names under which a system's answer to an utterance is looked for.

In goes an utterance; out come its id and the path and name of its sound, the surest first: folders of
speakers have files of equal names, so that a path counts before a name.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qasr_cli.errors import printable
from qasr_cli.evaluation.utterances import Utterance

logger = logging.getLogger(__name__)

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


@dataclass(slots=True)
class Claims:
    """Which sound each output of a program has answered in a set.

    An output that has lost its folders fits every recording of its name: it answers the first of them, or the
    one whose id or whole path it has, and no other one.
    """

    _sounds: dict[tuple[str, int], int] = field(default_factory=dict)
    _told: set[int] = field(default_factory=set)

    def key(self, utterance: Utterance, keys: Sequence[str], outputs: Mapping[str, object]) -> str | None:
        """Return the first of the keys that there is an output of; None if that belongs to another sound.

        Args:
            utterance: What is to be answered.
            keys: Its names, the surest first.
            outputs: Each output under all its names, as one object that lives as long as this.
        """
        key = next((key for key in keys if key in outputs), None)
        if key is None or utterance.audio is None:
            return key
        output, sound = id(outputs[key]), hash(utterance.audio.path)
        if _is_sure(key, utterance):
            self._sounds[utterance.set_name, output] = sound
            return key
        if self._sounds.setdefault((utterance.set_name, output), sound) == sound:
            return key
        if output not in self._told:
            self._told.add(output)
            text = f"{key}: several recordings have this name; the output answers one, and not {utterance.id}"
            logger.warning("%s", printable(text))
        return None


def _is_sure(key: str, utterance: Utterance) -> bool:
    name = key.removesuffix(f".{utterance.language}")
    whole = utterance.audio.path.as_posix() if utterance.audio else ""
    return name in {utterance.id, bare(utterance.id), whole, bare(whole)}
