"""Targets that are qasr's own files, which somebody else may have written: settings, trust and state.

Also the command lines and addresses that settings may hold, lists of files, and names of files.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

from qasr_cli import languages
from qasr_cli.cli import config, runs, settings_file, settings_trust
from qasr_cli.cli.commands import COMMANDS
from qasr_cli.cli.params.grouped import flags_of_command
from qasr_cli.cli.settings_trust import Trust
from qasr_cli.errors import UsageError
from qasr_cli.formats.readers import encodings
from qasr_cli.hooks import address, command
from qasr_cli.hooks.command import Facts
from qasr_cli.records import Chunk
from qasr_cli.runs.files.file_identity import Identity
from qasr_cli.runs.inputs import file_lists, sidecars
from qasr_cli.runs.inputs.sidecars import Sidecars
from qasr_cli.runs.reports import status_file
from qasr_cli.runs.reports.status_file import StatusFile
from qasr_cli.runs.state import backoff, checkpoints, ledger
from tests.fuzz.target import Target, require, require_printable

_FLAGS = settings_file.known_keys(
    flag for row in COMMANDS if row.name in {"transcribe", "watch"} for flag in flags_of_command(row.load())
)
_MEDIA = Identity(5, 7, "ab")


def _settings_seeds(tmp: Path) -> Sequence[bytes]:
    text = (
        '# ours\nmodel = "0.6b"\nmax-lines = 2\nmax-cps = 17.5\noverwrite = true\nlanguage = "en"\n'
        "include = [\"*.mp4\", '*.mkv']\ncontext = '''a\nb'''\nlog-file = \"~/.profile\"\n"
    )
    return text.encode(), text.encode("utf-8-sig"), text.encode("utf-16")


def _settings(path: Path) -> None:
    values = settings_file.read(path, _FLAGS)
    settings_file.where(path, values)
    texts = [text for value in values.values() for text in (value if isinstance(value, list) else [value])]
    require(not any(isinstance(text, str) and "\0" in text for text in texts), "a zero byte")
    ignored = settings_file.needing_trust(values, _FLAGS)
    require_printable(settings_file.ignored_line(path, ignored, Trust.NO))
    counting = {key for key, value in values.items() if value and key not in ignored}
    require(counting.isdisjoint({"log_file", "overwrite", "output"}), "a setting of a stranger")


def _trust_seeds(tmp: Path) -> Sequence[bytes]:
    record = {"file": "/films/qasr.toml", "sha256": hashlib.sha256(b"").hexdigest()}
    return (json.dumps(record).encode() + b"\n",)


def _trust(path: Path) -> None:
    settings, store = path.parent / settings_file.FILE_NAME, path.parent / "qasr" / "trusted"
    store.mkdir(parents=True, exist_ok=True)
    with mock.patch.dict(os.environ, {"XDG_STATE_HOME": str(path.parent)}):
        for place in (settings, Path("/films/qasr.toml")):
            (store / settings_trust._name(place)).write_bytes(path.read_bytes())
        require(settings_trust.state_of(settings, b"") is not Trust.YES, "another file's trust counts")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            config._list_trusted()
        printed.getvalue().encode("utf-8", "surrogateescape")


_LEDGER = {
    "schema": "qasr.ledger.v1", "at": "2026-01-02T03:04:05.678+00:00", "file": "a.mp4", "status": "done",
    "media": {"size_bytes": 5, "mtime_ns": 7, "digest": "ab"}, "fingerprint": "f" * 16, "language": "en",
    "outputs": [{"path": "a.srt", "identity": {"size_bytes": 5, "mtime_ns": 7, "digest": "ab"}}],
    "audio_s": 1.5, "wall_s": 0.25, "warnings": ["b"], "reason": "c", "next_step": "d", "n_failures": 1,
    "exit_code": 65, "subtitles": "a.en.srt",
}  # fmt: skip


def _ledger_seeds(tmp: Path) -> Sequence[bytes]:
    line = json.dumps(_LEDGER).encode()
    return line + b"\n", line + b"\n" + line.replace(b"a.mp4", b"b.mp4") + b"\n" + line[:30]


def _ledger(path: Path) -> None:
    entries = ledger.load(path.parent).entries
    for entry in entries.values():
        again = ledger.from_line(ledger.to_line(entry))
        require(again is not None and again.file == entry.file, "a line that is not read again")
        require_printable(runs._line(entry))
        backoff.in_words(backoff.next_try_s(entry.at_s, entry.n_failures, 2))
    runs._summary(list(entries.values()), 1, 1)


_CHUNKS = [Chunk(0, 0, 0, 1_000), Chunk(0, 1, 1_000, 2_000)]


def _checkpoint_seeds(tmp: Path) -> Sequence[bytes]:
    segment = {
        "start_ms": 0, "end_ms": 1_000, "language": "en", "text": "Hi", "flags": [],
        "words": [{"lead": "", "text": "Hi", "start_ms": 0, "end_ms": 500, "timing": "aligned"}],
    }  # fmt: skip
    chunk = {
        "chunk": 0, "span": [0, 1_000], "answer": ["Hi", "en", "complete", 3], "flags": [], "segment": segment
    }  # fmt: skip
    other = {**chunk, "chunk": 1, "span": [1_000, 2_000], "segment": None}
    one = json.dumps([chunk]).encode()
    return one + b"\n" + json.dumps([other]).encode() + b"\n", one


def _checkpoint(path: Path) -> None:
    begun = checkpoints.checkpoint(path.parent, "a.mp4", _MEDIA, "f")
    begun.path.parent.mkdir(exist_ok=True)
    begun.path.write_bytes(begun.head + b"\n" + path.read_bytes())
    begun.add(list(begun.load(_CHUNKS).values()))


def _status_seeds(tmp: Path) -> Sequence[bytes]:
    StatusFile(tmp / "a.json", [tmp]).open()
    return ((tmp / "a.json").read_bytes().replace(os.fsencode(tmp), b"/films"),)


def _status(path: Path) -> None:
    is_ours = status_file.SCHEMA.encode() in path.read_bytes().replace(b"\0", b"")
    StatusFile(path, []).open()
    require(is_ours, "a file that is no status file is replaced")


def _list_seeds(tmp: Path) -> Sequence[bytes]:
    return b"a.mp4\n./b c.mp4\r\n~/d.mp4\n", "é.mp4\n".encode("utf-16"), b"\xef\xbb\xbfa.mp4\0b.mp4\0"


def _list(path: Path) -> None:
    for is_null_separated in (False, True):
        with contextlib.suppress(UsageError):  # zero bytes in a list of lines
            for one in file_lists.read(str(path), is_null_separated=is_null_separated):
                os.fsencode(one)


def _name_seeds(tmp: Path) -> Sequence[bytes]:
    text = (
        "film.mp4\nfilm.ko.srt\nfilm.en.forced.srt\nfilm.pt-BR.vtt\n2_English (SDH).srt\ntalk.part2.mkv\n"
        "talk.part2.chs&eng.ass\nsample.mp4\nfilm.hi.srt\nfilm.한국어.srt\n"
    )
    return (text.encode(),)


def _names(path: Path) -> None:
    names = path.read_bytes().decode("utf-8", "surrogateescape").replace("\0", "").split("\n")
    names = [name[:255] for name in names if name.strip("./")]
    beside = Sidecars.among(names, {"Subs": names, **{f"Subs/{name}": names[:2] for name in names[:3]}})
    for name in names[:20]:
        beside.of(name)
        sidecars.is_subtitle_folder(name)
        encodings.languages_of(name)
        languages.find_in_name(name)
    list(sidecars.folders_of_interest(names, names[:20]))


def _hook_seeds(tmp: Path) -> Sequence[bytes]:
    return (
        b"echo {media} '{outputs}' \"{language}\" {{x}} {status}",
        b"https://user:secret@films.example:8443/a%20b?key=1#c",
    )


def _hook(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    address.without_secrets(text)
    try:
        template = command.parse(text)
    except UsageError:
        where = address.parse(text)
        shown = (str(where), address.without_secrets(f"no answer from {text}"))
        secrets = filter(None, (where.parts.username, where.parts.password, where.parts.query))
        require(not any(f"{secret}@" in one for secret in secrets for one in shown), "a secret is shown")
        _ = where.authorization, where.target
        return
    words = template.arguments(Facts(Path("/films/a b.mp4"), (), "en", "done"))
    require(len(words) <= len(template.words), "a name becomes several words")


STATE_TARGETS = (
    Target("settings", ("qasr.toml",), _settings_seeds, _settings, 8),
    Target("trust", ("a.json",), _trust_seeds, _trust, 2),
    Target("ledger", ("ledger.jsonl",), _ledger_seeds, _ledger, 8),
    Target("checkpoint", ("a.jsonl",), _checkpoint_seeds, _checkpoint, 5),
    Target("status", ("a.json",), _status_seeds, _status, 1),
    Target("list", ("a.txt",), _list_seeds, _list, 2),
    Target("names", ("a.txt",), _name_seeds, _names, 2),
    Target("hook", ("a.txt",), _hook_seeds, _hook, 2),
)
