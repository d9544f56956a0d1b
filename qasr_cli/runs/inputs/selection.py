"""Which of the found files a run is about: rules on names, times, places and parts.

In go names and numbers; out come decisions, and for what is left out the reason in words. Pure: touches no
file.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from qasr_cli import formats
from qasr_cli.options import FindOptions

# Only used to pick files out of a folder; a file that the user names is tried whatever it is called.
MEDIA_SUFFIXES = frozenset(
    {
        *(".3g2", ".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
        *(".mts", ".mxf", ".ogv", ".rm", ".rmvb", ".ts", ".vob", ".webm", ".wmv"),
        *(".aac", ".ac3", ".aif", ".aiff", ".amr", ".ape", ".au", ".caf", ".dts", ".eac3", ".flac", ".m4a"),
        *(".m4b", ".mka", ".mp2", ".mp3", ".oga", ".ogg", ".opus", ".tta", ".w64", ".wav", ".wma", ".wv"),
    }
)
# Two of these are TypeScript's too, one is the kernel's device trees; the first bytes decide.
AMBIGUOUS_SUFFIXES = frozenset({".ts", ".mts", ".dts"})
# What lies beside media and never is any: not worth opening thousands of them.
OTHER_SUFFIXES = frozenset(
    {
        *(form.extension for form in formats.FORMATS.values()),
        *formats.SUBTITLE_EXTENSIONS,
        *(".idx", ".sup", ".ttml", ".lrc", ".csv"),
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
# Of downloads under way, and of copies that editors and converters keep; their content is media all right.
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
    FILTERED = "filtered"  # by patterns or times
    OTHER_SHARD = "other shard"
    UNSETTLED = "unsettled"  # still changes; a later run takes it
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that looked like work and is left out, with the reason in a few words."""

    relative: Path
    reason: str
    kind: LeftOutKind


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that might be a source.

    Attributes:
        identity: Device and inode: two names of one file share it.
        is_link: Its name is a symbolic link.
    """

    path: Path
    relative: Path
    is_found: bool
    identity: tuple[int, int]
    changed_s: float
    size_bytes: int
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
    """Return what the options ask for, each file once and in their order, and what they leave out.

    A file is told from its other names after the patterns, so that excluding one name keeps the other, and
    before the parts, so that two machines do not take one name each.
    """
    wanted, unwanted = _split(candidates, _unwanted(options), LeftOutKind.FILTERED)
    once, doubles = _unique(wanted)
    kept, elsewhere = _split(once, _elsewhere(options), LeftOutKind.OTHER_SHARD)
    return _ordered(kept, options.order), [*doubles, *unwanted, *elsewhere]


def _split(
    candidates: Sequence[Candidate], reason: _Reason, kind: LeftOutKind
) -> tuple[list[Candidate], list[LeftOut]]:
    kept: list[Candidate] = []
    left_out: list[LeftOut] = []
    for candidate in candidates:
        why = reason(candidate)
        if why:
            left_out.append(LeftOut(candidate.relative, why, kind))
        else:
            kept.append(candidate)
    return kept, left_out


def _unique(candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[LeftOut]]:
    """Return each file once, under the first of its names.

    A real name goes before a link to it, and one that the user gave before one that a folder has.
    """
    owners: dict[tuple[int, int], Candidate] = {}
    for candidate in candidates:
        owner = owners.get(candidate.identity)
        if owner is None or (candidate.is_link, candidate.is_found) < (owner.is_link, owner.is_found):
            owners[candidate.identity] = candidate
    kept = [one for one in candidates if owners[one.identity] is one]
    left_out = [
        LeftOut(one.relative, f"the same file as {owners[one.identity].relative}", LeftOutKind.DUPLICATE)
        for one in candidates
        if owners[one.identity] is not one and owners[one.identity].path != one.path
    ]
    return kept, left_out


def _unwanted(options: FindOptions) -> _Reason:
    include = [_pattern(pattern) for pattern in options.include]
    exclude = [(pattern, _pattern(pattern)) for pattern in options.exclude]

    def reason(candidate: Candidate) -> str:
        name = unicodedata.normalize("NFC", candidate.relative.as_posix()) if include or exclude else ""
        if include and not any(matches(name) for matches in include):
            return "no --include matches"
        for pattern, matches in exclude:
            if matches(name):
                return f"excluded by {pattern}"
        is_old = options.newer_than_s is not None and candidate.changed_s <= options.newer_than_s
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

    A pattern with a slash is about the whole path, and its `*` goes across slashes; one without is about
    the file's name or any folder's on the way to it.
    """
    wanted = unicodedata.normalize("NFC", pattern.strip("/"))
    matches = re.compile(fnmatch.translate(wanted)).match
    if "/" in pattern.strip("/"):
        return lambda name: matches(name) is not None
    return lambda name: any(matches(part) for part in name.split("/"))


def shard_of(relative: Path, n_parts: int) -> int:
    """Return the part, from 1 to `n_parts`, that a file belongs to.

    All machines agree, whatever else their folder holds at the moment: the part follows from the path's NFC
    form alone (macOS and Linux spell accents differently). The suffix does not count, so that `a.mp4` and
    `a.mkv`, whose results would clash, meet in one part, where it is noticed.
    """
    name = unicodedata.normalize("NFC", relative.with_suffix("").as_posix())
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") % n_parts + 1


def _ordered(candidates: list[Candidate], order: str) -> list[Candidate]:
    """Return the candidates in order; what is equal stays as it was, which is by name."""
    if order in {"newest", "oldest"}:
        return sorted(candidates, key=lambda one: one.changed_s, reverse=order == "newest")
    if order in {"largest", "smallest"}:
        return sorted(candidates, key=lambda one: one.size_bytes, reverse=order == "largest")
    return candidates
