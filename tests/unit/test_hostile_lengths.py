"""The worst characters, up to a megabyte: the time of every pattern, reader and check grows with the length.

Times are CPU times of one machine, so only their growth is judged: four times the text may take eight times
as long. With a quadratic worst case it takes sixteen times as long.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qasr_cli.errors import QasrError
from qasr_cli.formats import readers
from qasr_cli.formats.readers import captions, json_lines, script_reading
from qasr_cli.options import CueOptions
from qasr_cli.subtitles import qc
from qasr_cli.subtitles.qc import fix
from qasr_cli.tasks import caption_check, check_report
from qasr_cli.tasks.caption_check import CheckRules
from qasr_cli.tasks.check_report import FileReport

LONG = (250_000, 1_000_000)
SHORT = (8_000, 32_000)
MAX_GROWTH = 8
N_TRIES = 3
UNMEASURABLE_S = 0.03  # a text is judged only if it takes longer
FEW = [
    " ", "0", "<", ">", "&", "{", "-", "[", "a", "\\", '"', "\u0301", "\n", "(", "今", "a b", "a:", "{\\",
    "-->",
]  # fmt: skip
WORST = [
    *FEW, "\t", "}", "]", ":", ",", "\u00a0", "\ufeff", "&#", "&a", "\\p", "<a", "</", "00:", " -", "1\n",
    "\n\n1", "a\n \n", "-->\n", "a. ", "\u0301\u0323",
]  # fmt: skip
BEGINS = ["", "[", "<a", "{\\pos(", "00:00:00.000 --> "]


def pattern_cases() -> Iterator[tuple[str, re.Pattern[str] | re.Pattern[bytes]]]:
    for package in (readers, qc):
        for found in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{found.name}")
            for name, value in vars(module).items():
                if isinstance(value, re.Pattern):
                    yield f"{found.name}.{name}", value


PATTERNS = dict(pattern_cases())
MODULES = {path.stem: path for package in (readers, qc) for path in Path(package.__path__[0]).glob("*.py")}
del PATTERNS["check_text._LOOP"]  # only the first 500 characters of a caption are searched


def methods_of(name: str) -> list[Callable[[Any], object]]:
    """Return the methods of a pattern that its module uses; all where others use it, too.

    A pattern that begins with blanks is quadratic where it is searched, and linear where it is matched.
    """
    module, _, constant = name.partition(".")
    source = MODULES[module].read_text("utf-8")
    used = set(re.findall(rf"\b{constant}\.(\w+)", source))
    pattern = PATTERNS[name]
    if used and used <= {"match", "fullmatch"}:
        return [getattr(pattern, method) for method in sorted(used)]
    return [pattern.search, pattern.match, pattern.fullmatch]


def assert_linear(run: Callable[[int], object], sizes: tuple[int, ...] = LONG) -> None:
    before_s = UNMEASURABLE_S
    for size in sizes:
        limit_s = MAX_GROWTH * max(before_s, UNMEASURABLE_S)
        # A busy machine can make any one measurement long, but not all of them.
        took_s = next((s for s in (cpu_s(run, size) for _ in range(N_TRIES)) if s <= limit_s), None)
        assert took_s is not None, size
        before_s = took_s


def cpu_s(run: Callable[[int], object], size: int) -> float:
    begun_s = time.process_time()
    run(size)
    return time.process_time() - begun_s


def repeated(piece: str, size: int) -> str:
    return piece * (size // len(piece.encode()))


@pytest.mark.parametrize("name", PATTERNS)
def test_every_pattern(name: str) -> None:
    pattern, methods = PATTERNS[name], methods_of(name)
    for begin in BEGINS:  # many kinds of text say more than long ones
        for piece in FEW:

            def run(size: int, begin: str = begin, piece: str = piece) -> None:
                text = f"{begin}{repeated(piece, size)}!"
                subject: Any = text.encode() if isinstance(pattern.pattern, bytes) else text
                for method in methods:
                    method(subject)

            assert_linear(run, SHORT)


HEADS = {
    "srt": "1\n00:00:01,000 --> 00:00:02,000\n",
    "vtt": "WEBVTT\n\n00:01.000 --> 00:02.000\n",
    "ass": "[Script Info]\n[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,",
    "ass time": "[Script Info]\n[Events]\nDialogue: 0,",
    "json": '{"segments": [{"start": 1, "end": 2, "text": "',
    "json list": '{"segments": [',
    "vtt header": "WEBVTT\n",
    "srt time": "1\n00:00:01,000 ",
}


@pytest.mark.parametrize("kind", HEADS)
def test_every_reader(kind: str) -> None:
    name = f"a.{kind.split(maxsplit=1)[0]}"
    for piece in WORST:

        def run(size: int, piece: str = piece) -> None:
            text = HEADS[kind] + repeated(piece, size)
            for reading in (
                lambda: captions.read(text.encode(), name),
                lambda: script_reading.parse_script(text),
            ):
                try:
                    reading()
                except QasrError:
                    continue

        assert_linear(run, SHORT)


@pytest.mark.slow
@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize("piece", FEW)
def test_a_megabyte(kind: str, piece: str) -> None:
    def run(size: int) -> None:
        try:
            captions.read((HEADS[kind] + repeated(piece, size)).encode(), f"a.{kind.split(maxsplit=1)[0]}")
        except QasrError:
            return

    assert_linear(run)


CUES = {
    "srt": ("", "1\n00:00:{:02d},000 --> 00:00:{:02d},000\n{}\n\n"),
    "vtt": ("WEBVTT\n\n", "00:{:02d}.000 --> 00:{:02d}.000\n{}\n\n"),
    "ass": ("[Script Info]\n[Events]\n", "Dialogue: 0,0:00:{:02d}.00,0:00:{:02d}.00,D,,0,0,0,,{}\n"),
}


@pytest.mark.parametrize("kind", CUES)
def test_every_check_and_repair(kind: str) -> None:
    """Of captions as long as they may be."""
    for piece in WORST:

        def run(size: int, piece: str = piece) -> None:
            head, form = CUES[kind]
            cues = [
                form.format(n % 59, n % 59 + 1, "a" + repeated(piece, 4_000)) for n in range(size // 4_000)
            ]
            try:
                file = captions.read((head + "".join(cues)).encode(), f"a.{kind}")
            except QasrError:
                return
            result = caption_check.check(Path(f"a.{kind}"), file, CheckRules(CueOptions()))
            check_report.json_text([FileReport(result, None, None)], "netflix-sdh")
            fixed = fix.fix_captions(file.captions, result.limits, result.language, captions.grid_ms(file))
            captions.write(file, fixed)

        assert_linear(run, SHORT)


def test_the_lines_of_json() -> None:
    for piece in ("{", "[", "[{", '"\\"', '"a"', "\n", "\\", '"'):

        def run(size: int, piece: str = piece) -> None:
            json_lines.lines_of(repeated(piece, size), "a")

        assert_linear(run)


@pytest.mark.parametrize("digits", [20, 400, 5_000])
def test_a_number_of_many_digits_is_no_crash(digits: int) -> None:
    for text in (
        f"[Script Info]\n[Events]\nDialogue: 0,0:00:01.00,{'9' * digits}:00:02.00,D,,0,0,0,,a\n",
        f"1\n{'9' * digits}:00:01,000 --> 00:00:02,000\na\n",
        f"WEBVTT\n\n00:01.000 --> {'9' * digits}:00:02.000 line:{'9' * digits}\n&#{'9' * digits};\n",
        f"WEBVTT\n\n00:01.000 --> 00:02.000\n&#{'9' * digits};<{'9' * digits}:00:00.000>a\n",
        f"1\n00:00:01,{'9' * digits} --> 00:00:02,000\na\n",
    ):
        try:
            file = captions.read(text.encode(), "a")
        except QasrError:
            continue
        result = caption_check.check(Path("a"), file, CheckRules(CueOptions()))
        check_report.text(FileReport(result, None, None), None, is_all=True)
