"""Files that are neither subtitles nor words: recognised by what they begin with, and named in the error.

In go bytes or lines; out comes what the file is, and what to do with it. Markup of another kind would
otherwise be taken for spoken words, and pictures of text for a text in some encoding.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from qasr_cli.errors import UndecodableError

_PICTURES = "extract the text with OCR, or look for text subtitles"
_SAVE_AS_TEXT = "save it as plain text first"
_MEDIA = "give its subtitles, not the media"
_ARCHIVE = "unpack it first"
_CONVERT = "convert it first: ffmpeg -i FILE FILE.srt"
_BINARY: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"%PDF-", "a PDF", _SAVE_AS_TEXT),
    (0, b"{\\rtf", "rich text (RTF)", _SAVE_AS_TEXT),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of Microsoft Office", _SAVE_AS_TEXT),
    (
        0,
        b"PK\x03\x04",
        "a ZIP archive, or a document such as DOCX, ODT and EPUB",
        "unpack it, or save it as plain text",
    ),
    (0, b"\x1f\x8b", "a gzip archive", _ARCHIVE),
    (0, b"Rar!\x1a\x07", "a RAR archive", _ARCHIVE),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _ARCHIVE),
    (0, b"BZh", "a bzip2 archive", _ARCHIVE),
    (0, b"\xfd7zXZ\x00", "an xz archive", _ARCHIVE),
    (0, b"PG", "pictures, not text (PGS, Blu-ray's subtitles)", _PICTURES),
    (0, b"\x00\x00\x01\xba", "pictures, not text (VobSub), or other MPEG media", _PICTURES),
    (0, b"SPU", "pictures, not text (DVD's subtitles)", _PICTURES),
    (3, b"STL", "EBU STL, broadcasters' binary subtitles", "convert it to SRT or TTML first"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska or WebM media", _MEDIA),
    (4, b"ftyp", "MP4 media", _MEDIA),
    (0, b"RIFF", "WAV or AVI media", _MEDIA),
    (0, b"OggS", "Ogg media", _MEDIA),
    (0, b"fLaC", "FLAC media", _MEDIA),
    (0, b"ID3", "MP3 media", _MEDIA),
    (0, b"\x89PNG", "a picture", _PICTURES),
    (0, b"\xff\xd8\xff", "a picture", _PICTURES),
    (0, b"GIF8", "a picture", _PICTURES),
    (0, b"\x7fELF", "a program", "give a text"),
    (0, b"SQLite format 3", "a database", "give a text"),
)
_LETTERS_BEHIND = frozenset({b"PG", b"BZh", b"ID3", b"SPU", b"GIF8", b"RIFF"})
_TEXT: tuple[tuple[re.Pattern[str], str, str], ...] = (
    # YouTube's own XML has a `body`, too.
    (re.compile(r"(?:<\?xml[^<>]*+>\s*+)?+<(?:timedtext|transcript|rss|svg)[\s>]", re.I),
     "XML of another kind than TTML", "convert it to SRT first"),
    (re.compile(r"<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>]", re.I), "HTML", _SAVE_AS_TEXT),
    (re.compile(r"<\?xml|<!doctype|<!entity", re.I),
     "XML of another kind than TTML", "convert it to SRT first"),
    (re.compile(r"\{\\rtf"), "rich text (RTF)", _SAVE_AS_TEXT),
    (re.compile(r"# VobSub index file"), "pictures, not text (VobSub's index)", _PICTURES),
    (re.compile(r"Scenarist_SCC V"), "SCC, closed captions as codes", _CONVERT),
    (re.compile(r"\\documentclass"), "a LaTeX document", _SAVE_AS_TEXT),
    (re.compile(r"#EXTM3U"), "a playlist", "give the file that it names"),
    (re.compile(r"%!PS"), "PostScript", _SAVE_AS_TEXT),
)  # fmt: skip
# A piece of a web page: elements that neither subtitles nor prose have.
_ELEMENT = re.compile(
    r"</?(?:p|div|span|br|a|td|tr|table|ul|ol|li|h[1-6]|script|style|img)(?:\s[^<>]*+)?+/?>", re.I
)
_MANY = 3
_HEAD_CHARS = 65_536


def refuse_bytes(raw: bytes) -> None:
    """Refuse a file that is no text.

    Raises:
        UndecodableError: It begins as media, pictures, archives or documents do.
    """
    for offset, mark, what, hint in _BINARY:
        if raw[offset : offset + len(mark)] != mark:
            continue
        # Marks of letters are also words: "PG rated", "GIF8"; binary content follows in a file of that kind.
        behind = raw[offset + len(mark) : offset + len(mark) + 16]
        if mark not in _LETTERS_BEHIND or any(byte < 0x09 for byte in behind):
            raise UndecodableError(f"it is {what}", hint)


def refuse_text(lines: Sequence[str]) -> None:
    """Refuse markup of another kind.

    Raises:
        UndecodableError: It is HTML, XML, rich text or an index of pictures.
    """
    head = "\n".join(lines[:1_000])[:_HEAD_CHARS].lstrip("\ufeff \t\r\n")
    begin = head[:1_000]
    for mark, what, hint in _TEXT:
        if mark.match(begin) or (begin.startswith("<") and what == "HTML" and mark.search(begin)):
            raise UndecodableError(f"it is {what}", hint)
    elements = _ELEMENT.findall(head)
    if len(elements) >= _MANY and (begin.startswith("<") or 2 * len(elements) > head.count("\n")):
        raise UndecodableError("it is HTML", _SAVE_AS_TEXT)
