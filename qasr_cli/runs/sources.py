"""What there is to transcribe: paths on the command line become sources in a stable order.

In go files, folders and `-`; out come `Source` records. Opens nothing: whether a file really is media is
found out when it is decoded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from qasr_cli.errors import NoInputError, from_os_error
from qasr_cli.records import Source

# Only used to pick files out of a folder; a file that the user names is tried whatever it is called.
MEDIA_SUFFIXES = frozenset(
    {
        *(".3g2", ".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
        *(".mts", ".mxf", ".ogv", ".rm", ".rmvb", ".ts", ".vob", ".webm", ".wmv"),
        *(".aac", ".ac3", ".aif", ".aiff", ".amr", ".ape", ".au", ".caf", ".dts", ".eac3", ".flac", ".m4a"),
        *(".m4b", ".mka", ".mp2", ".mp3", ".oga", ".ogg", ".opus", ".tta", ".w64", ".wav", ".wma", ".wv"),
    }
)
_IGNORED_FOLDERS = {"@eaDir", "#recycle", "lost+found"}  # a NAS's thumbnails and bins


def discover(paths: Sequence[Path], *, is_recursive: bool) -> list[Source]:
    """Return the sources that `paths` name, in the order given, a folder's in the order of their names.

    A file that is named twice, or both by itself and by its folder, comes once.

    Raises:
        NoInputError: A path does not exist, or there is no media in the folders at all.
    """
    sources: list[Source] = []
    seen: set[tuple[int, int]] = set()
    for root in paths:
        for path, is_found in _expand(root, is_recursive):
            identity = _identity(path)
            if identity in seen:
                continue
            seen.add(identity)
            relative = path.relative_to(root) if is_found else Path(path.name)
            sources.append(Source(len(sources), path, relative, is_found))
    if not sources:
        hint = "check the folder" if is_recursive else "use -r to look into its subfolders too"
        raise NoInputError(f"no media files in {', '.join(map(str, paths))}", hint)
    return sources


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _expand(root: Path, is_recursive: bool) -> Iterator[tuple[Path, bool]]:
    if not root.exists():
        raise NoInputError(f"{root}: no such file or folder")
    if not root.is_dir():
        yield root, False
        return
    for path in _walk(root, is_recursive):
        yield path, True


def _walk(folder: Path, is_recursive: bool) -> Iterator[Path]:
    """Yield the media files in a folder by name; links to folders are not followed, so loops cannot be."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise from_os_error(error, f"reading folder {folder}") from error
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _IGNORED_FOLDERS:
            continue
        if entry.is_dir(follow_symlinks=False):
            if is_recursive:
                yield from _walk(Path(entry.path), is_recursive)
        elif Path(entry.name).suffix.lower() in MEDIA_SUFFIXES and entry.is_file():
            yield Path(entry.path)
