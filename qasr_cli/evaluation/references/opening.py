"""Opening a reference set: which layout it has, which part is taken, which utterances are drawn.

In go a path and options; out comes a set that streams its utterances, and says what it was taken for. Checks
ids as they pass: two utterances of one name are an error, since their answers could not be told apart.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qasr_cli.errors import NoInputError, UndecodableError, UsageError
from qasr_cli.evaluation.references.big_json import GIGASPEECH, WENETSPEECH
from qasr_cli.evaluation.references.kaldi import AISHELL, KALDI
from qasr_cli.evaluation.references.kspon import KSPONSPEECH
from qasr_cli.evaluation.references.layout import HINT, Layout, Part, code, is_path
from qasr_cli.evaluation.references.lhotse import LHOTSE
from qasr_cli.evaluation.references.manifests import AUDIOFOLDER, ESPNET, NEMO
from qasr_cli.evaluation.references.own_media import OWN
from qasr_cli.evaluation.references.parquet import PARQUET
from qasr_cli.evaluation.references.read_speech import LIBRISPEECH, MLS
from qasr_cli.evaluation.references.tables import COMMON_VOICE, FLEURS, VOXPOPULI
from qasr_cli.evaluation.references.tedlium import TEDLIUM
from qasr_cli.evaluation.utterances import Utterance
from qasr_cli.operating_system import files
from qasr_cli.options import ReferenceOptions

# In the order in which they are tried: the surest signs first, a user's own media last.
LAYOUTS: tuple[Layout, ...] = (
    *(LIBRISPEECH, MLS, AISHELL, GIGASPEECH, WENETSPEECH, COMMON_VOICE, FLEURS, VOXPOPULI, KSPONSPEECH),
    *(KALDI, LHOTSE, NEMO, ESPNET, AUDIOFOLDER, PARQUET, TEDLIUM, OWN),
)
_TEST_WORDS = ("test", "eval")
_N_LOOKED_FOR = 20
_AUTO, _LIST = "auto", "list"


@dataclass(frozen=True, slots=True)
class ReferenceSet:
    """A reference set on disk; iterating streams its utterances, each time anew.

    Attributes:
        path: As it was named.
        layout: Name of the layout that it was taken for.
        parts: Names of the parts that are read.
        other_parts: Names of those that are not.
        is_long: Its texts belong to whole recordings, which are transcribed as such.
    """

    path: Path
    layout: str
    parts: tuple[str, ...]
    other_parts: tuple[str, ...]
    is_long: bool
    _read: Callable[[], Iterator[Utterance]] = field(repr=False)

    @property
    def description(self) -> str:
        """What it was taken for, on one line."""
        parts = ", ".join(self.parts)
        others = f"; not read: {', '.join(self.other_parts)}" if self.other_parts else ""
        whole = "; whole recordings" if self.is_long else ""
        return f"{self.path}: taken for {self.layout} ({parts}){whole}{others}"

    def __iter__(self) -> Iterator[Utterance]:
        """Yield its utterances in the corpus's order.

        Raises:
            QasrError: A file cannot be read or is damaged, or two utterances have one id.
        """
        return self._read()


def open_set(path: Path, options: ReferenceOptions) -> ReferenceSet:
    """Find out the layout of references, and return the set.

    Raises:
        NoInputError: There is no such path.
        UsageError: There is no layout or part of that name.
        UndecodableError: It has none of the layouts; the message says what was looked for.
    """
    if not os.path.lexists(path):
        raise NoInputError.about(path, "no such file or folder")
    layout, parts = _layout(path, options.layout)
    chosen = _chosen(path, parts, options.split)
    others = tuple(dict.fromkeys(part.name for part in parts if part not in chosen))
    names = tuple(dict.fromkeys(_shown(part) for part in chosen))

    def read_all() -> Iterator[Utterance]:
        return (one for part in chosen for one in layout.read(part, options))

    def read() -> Iterator[Utterance]:
        return _checked(path, read_all)

    limit = options.limit
    reading = read if limit is None else lambda: _drawn(read, limit, options.seed)
    return ReferenceSet(path, layout.name, names, others, layout.is_long or options.long, reading)


def layouts() -> list[tuple[str, str]]:
    """Return the names of all layouts, with what each is recognised by."""
    return [(layout.name, layout.looks_for) for layout in LAYOUTS]


def _layout(path: Path, name: str) -> tuple[Layout, list[Part]]:
    if name not in {_AUTO, _LIST}:
        layout = next((one for one in LAYOUTS if one.name == name.lower()), None)
        if layout is None:
            raise UsageError(
                f"--layout {name}: no such layout",
                f"one of {', '.join(one.name for one in LAYOUTS)}",
                flag="--layout",
            )
        parts = layout.find(path)
        if not parts:
            raise UndecodableError.about(path, f"no {layout.name} in it", f"looked for {layout.looks_for}")
        return layout, parts
    for layout in LAYOUTS:
        parts = layout.find(path)
        if parts:
            return layout, parts
    looked_for = "; ".join(f"{one.name}: {one.looks_for}" for one in LAYOUTS)
    raise UndecodableError.about(path, "no references that qasr knows", f"looked for {looked_for}")


def _shown(part: Part) -> str:
    return f"{part.name} {part.language}" if part.language and part.language != part.name else part.name


def _chosen(path: Path, parts: Sequence[Part], split: str) -> list[Part]:
    """Return the parts that are read: the named one, or those of tests, or all.

    Raises:
        UsageError: There is no such part; the hint lists those that there are.
    """
    if split:
        wanted = split.lower()
        chosen = [part for part in parts if part.name.lower() == wanted or _language_is(part, split)]
        if not chosen:
            names = ", ".join(dict.fromkeys(part.name for part in parts))
            raise UsageError.about(path, f"no part {split}", f"its parts: {names}", flag="--split")
        return chosen
    tests = [part for part in parts if any(word in part.name.lower() for word in _TEST_WORDS)]
    return tests or list(parts)


def _language_is(part: Part, split: str) -> bool:
    return part.language is not None and part.language == code(split) and len(split) <= 3


def _checked(path: Path, read: Callable[[], Iterator[Utterance]]) -> Iterator[Utterance]:
    """Yield utterances whose ids are unique in their set; only digests of ids are kept."""
    seen: set[bytes] = set()
    for number, one in enumerate(read(), 1):
        if not one.id:
            raise UndecodableError.about(path, f"utterance {number} of {one.set_name} has no id")
        if one.audio is not None and one.audio.content is None and not is_path(str(one.audio.path)):
            raise UndecodableError.about(
                path, f"utterance {number} of {one.set_name}: no path of a sound", HINT
            )
        key = hashlib.blake2b(f"{one.set_name}\n{one.id}".encode("utf-8", "replace"), digest_size=12).digest()
        if key in seen:
            first = next(
                place for place, other in enumerate(read(), 1) if _name(other) == _name(one)
            )  # read again: places of all ids would double the memory
            raise UndecodableError.about(
                path,
                f"utterances {first} and {number} of {one.set_name} are both named {one.id}",
                "give each utterance an id of its own",
            )
        seen.add(key)
        yield one


def _name(utterance: Utterance) -> tuple[str, str]:
    return utterance.set_name, utterance.id


def _drawn(read: Callable[[], Iterator[Utterance]], limit: int, seed: int) -> Iterator[Utterance]:
    """Yield `limit` utterances, the same for the same seed, in the order of the corpus.

    Those with the smallest hashes are drawn, so that a larger draw holds a smaller one.
    """

    def rank(one: Utterance) -> bytes:
        text = f"{seed}\n{one.set_name}\n{one.id}".encode("utf-8", "replace")
        return hashlib.blake2b(text, digest_size=16).digest()

    drawn = set(heapq.nsmallest(limit, (rank(one) for one in read())))
    for one in read():
        if rank(one) in drawn:
            yield one


def refuse_soundless(found: ReferenceSet) -> None:
    """Refuse a set of which none of the first sounds is there: a wrong root is one error, not thousands.

    Raises:
        NoInputError: None is there.
    """
    paths = [
        one.audio.path if one.audio is not None and one.audio.content is None else None
        for one in itertools.islice(found, _N_LOOKED_FOR)
    ]
    missing = [path for path in paths if path is not None and not os.path.lexists(files.real_path(path))]
    if missing and len(missing) == len(paths):
        raise NoInputError.about(
            missing[0],
            f"no such sound, nor the next ones of {found.path}",
            "are the texts where the corpus has them?",
        )
