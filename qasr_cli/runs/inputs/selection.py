"""Selection: which of the discovered files a run transcribes, by name, time, place and shard.

In go names and numbers; out come decisions, and a reason for each file that is left out. Opens no file.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from qasr_cli import formats
from qasr_cli.options import FindOptions
from qasr_cli.runs.files import same_file
from qasr_cli.runs.files.name_keys import name_key

# Files that lie beside media and never are media: not worth opening thousands of them.
OTHER_SUFFIXES = frozenset(
    {
        *(form.extension.lower() for form in formats.FORMATS.values()),
        *formats.SUBTITLE_EXTENSIONS,
        *(".idx", ".sup", ".mks", ".stl", ".lrc", ".csv", ".tsv"),
        *(".md", ".nfo", ".log", ".xml", ".html", ".pdf", ".yml", ".yaml", ".toml", ".ini", ".url"),
        *(
            ".jpg",
            ".jpeg",
            ".png",
            ".gif",
            ".webp",
            ".avif",
            ".heic",
            ".bmp",
            ".tif",
            ".tiff",
            ".svg",
            ".tbn",
        ),
        *(".zip", ".rar", ".7z", ".gz", ".xz", ".tar", ".iso", ".torrent", ".nzb", ".sfv", ".md5", ".par2"),
        *(".py", ".js", ".sh", ".exe", ".dll", ".so", ".db", ".m3u", ".m3u8", ".cue", ".doc", ".docx"),
    }
)
_IGNORED_FOLDERS = {"@eaDir", "#recycle", "lost+found", "$RECYCLE.BIN"}  # a NAS's thumbnails, and bins
# Downloads in progress, and working copies of editors and converters; their content is media.
_PARTIAL_SUFFIXES = (
    *(".part", ".crdownload", ".!qb", ".!ut", ".bc!", ".tmp", ".temp", ".partial", ".aria2", "~"),
    *(".filepart", ".download", ".opdownload", ".incomplete", ".ytdl", ".bak", ".old", ".orig"),
)
_PARTIAL_PARTS = (".part-frag", ".unmanic", ".syncthing.", "~syncthing~", "-tdarrcachefile-")
_COMPANIONS = (".part", ".aria2")  # Firefox and aria2 keep a second file beside one that is under way


class LeftOutKind(StrEnum):
    """Why a file is left out of a run."""

    UNSUITABLE = "unsuitable"  # no media, or not all of it
    DUPLICATE = "duplicate"  # another name of a file that is taken
    LINK = "link"  # leads out of the folder
    LINKED_FOLDER = "linked folder"
    BROKEN_LINK = "broken link"
    SPECIAL = "special"  # a FIFO, socket or device
    FILTERED = "filtered"  # by patterns or times
    OTHER_SHARD = "other shard"
    UNSETTLED = "unsettled"  # still changes; a later run takes it
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A likely media file that is left out, with the reason in a few words."""

    relative: Path
    reason: str
    kind: LeftOutKind


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that might be a source.

    Attributes:
        status: The file's, not a link's.
        is_link: Its name is a symbolic link, or lies behind a link to a folder.
    """

    path: Path
    relative: Path
    is_found: bool
    status: os.stat_result
    is_link: bool = False


def is_ignored(name: str) -> bool:
    """Whether a file or folder of this name is never reported: hidden, or a NAS's own."""
    return name.startswith(".") or name in _IGNORED_FOLDERS


def is_partial(name: str, neighbours: Collection[str] = ()) -> bool:
    """Whether a name is a download's or a conversion's before it is complete."""
    lower = name.lower()
    if lower.endswith(_PARTIAL_SUFFIXES) or any(part in lower for part in _PARTIAL_PARTS):
        return True
    return any(name + suffix in neighbours for suffix in _COMPANIONS)


_Reason = Callable[[Candidate], str]  # why a candidate is left out; "" when it is not


def select(candidates: Sequence[Candidate], options: FindOptions) -> tuple[list[Candidate], list[LeftOut]]:
    """Return the candidates that the options select, each file once and in order, and those left out.

    Names of one file are merged after the patterns, so that excluding one name keeps the other, and before
    sharding, so that two machines do not take one name each.
    """
    matching, unwanted = _split(candidates, _unwanted(options), LeftOutKind.FILTERED)
    once, doubles = _unique(matching)
    in_shard, elsewhere = _split(once, _elsewhere(options), LeftOutKind.OTHER_SHARD)
    return _ordered(in_shard, options.order), [*doubles, *unwanted, *elsewhere]


def _split(
    candidates: Sequence[Candidate], reason: _Reason, kind: LeftOutKind
) -> tuple[list[Candidate], list[LeftOut]]:
    selected: list[Candidate] = []
    left_out: list[LeftOut] = []
    for candidate in candidates:
        why = reason(candidate)
        if why:
            left_out.append(LeftOut(candidate.relative, why, kind))
        else:
            selected.append(candidate)
    return selected, left_out


def _unique(candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[LeftOut]]:
    """Return each file once, under the first of its names.

    A real name is preferred to a link, and a name that the user gave to one from a folder.
    """
    keys = same_file.file_keys([(candidate.path, candidate.status) for candidate in candidates])
    owners: dict[Hashable, Candidate] = {}
    for key, candidate in zip(keys, candidates, strict=True):
        owner = owners.get(key)
        if owner is None or (candidate.is_link, candidate.is_found) < (owner.is_link, owner.is_found):
            owners[key] = candidate
    selected: list[Candidate] = []
    left_out: list[LeftOut] = []
    for key, candidate in zip(keys, candidates, strict=True):
        owner = owners[key]
        if owner is candidate:
            selected.append(candidate)
        elif owner.path != candidate.path:
            why = f"the same file as {owner.relative}"
            left_out.append(LeftOut(candidate.relative, why, LeftOutKind.DUPLICATE))
    return selected, left_out


def _unwanted(options: FindOptions) -> _Reason:
    include = [_pattern(pattern) for pattern in options.include]
    exclude = [(pattern, _pattern(pattern)) for pattern in options.exclude]

    def reason(candidate: Candidate) -> str:
        name = name_key(candidate.relative.as_posix()) if include or exclude else ""
        if include and not any(matches(name) for matches in include):
            return "no --include matches"
        for pattern, matches in exclude:
            if matches(name):
                return f"excluded by {pattern}"
        is_old = options.newer_than_s is not None and candidate.status.st_mtime <= options.newer_than_s
        return "not changed since --newer-than" if is_old else ""

    return reason


def _elsewhere(options: FindOptions) -> _Reason:
    part, n_parts = options.shard

    def reason(candidate: Candidate) -> str:
        shard = shard_of(candidate.relative, n_parts) if n_parts > 1 else part
        return "" if shard == part else f"in shard {shard}/{n_parts}"

    return reason


def _pattern(pattern: str) -> Callable[[str], bool]:
    """Return a test for a relative path in NFC.

    A pattern with a slash is matched against the whole path, and its `*` matches slashes too; a pattern
    without is matched against the file's name and the name of each folder above it.
    """
    normalized = name_key(pattern.strip("/"))
    matches = re.compile(fnmatch.translate(normalized)).match
    if "/" in pattern.strip("/"):
        return lambda name: matches(name) is not None
    return lambda name: any(matches(name_part) for name_part in name.split("/"))


def shard_of(relative: Path, n_parts: int) -> int:
    """Return the shard, from 1 to `n_parts`, that a file belongs to.

    All machines agree, whatever other files are there at the moment: the shard follows from the path's NFC
    form alone (macOS and Linux spell accents differently). The suffix does not count, so that `a.mp4` and
    `a.mkv`, whose results would clash, are in one shard, where the clash is noticed.
    """
    name = name_key(relative.with_suffix("").as_posix())
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") % n_parts + 1


def _ordered(candidates: list[Candidate], order: str) -> list[Candidate]:
    """Return the candidates in order; equal ones stay in the order of their names."""
    if order in {"newest", "oldest"}:
        return sorted(candidates, key=lambda candidate: candidate.status.st_mtime, reverse=order == "newest")
    if order in {"largest", "smallest"}:
        return sorted(candidates, key=lambda candidate: candidate.status.st_size, reverse=order == "largest")
    return candidates
