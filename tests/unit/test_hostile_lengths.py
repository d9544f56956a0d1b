"""The worst characters, up to a megabyte: the time of every pattern, reader and check grows with the length.

Times are CPU times of one machine, so only their growth is judged: four times the text may take eight times
as long. With a quadratic worst case it takes sixteen times as long.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import qasr_cli
from qasr_cli.errors import QasrError
from qasr_cli.formats.readers import captions, json_lines, script_reading
from qasr_cli.options import CueOptions
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
PIECES = [*FEW, ".", ",", "_", "/", "@", "a.", "://", "[a @ 0x0] "]


@dataclass
class Case:
    """A pattern, and the methods by which its module uses it."""

    pattern: re.Pattern[str] | re.Pattern[bytes]
    methods: tuple[str, ...]


def modules_of(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.startswith(WITH_TORCH) and not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def pattern_cases() -> Iterator[tuple[str, Case]]:
    """Yield the patterns of every module: those with a name, and those that a call or a table holds."""
    for module in modules_of(qasr_cli):
        path = Path(str(module.__file__))
        source, short = path.read_text("utf-8"), module.__name__.removeprefix("qasr_cli.")
        named = {name: value for name, value in vars(module).items() if isinstance(value, re.Pattern)}
        named = {name: value for name, value in named.items() if re.search(rf"(?m)^{name}\b.*[=,]", source)}
        for name, value in named.items():
            yield f"{short}.{name}", Case(value, methods_of(name, source))
        for call in ast.walk(ast.parse(source)):
            if isinstance(call, ast.Call) and (method := method_called(call)):
                text = call.args[0]
                known = {value.pattern for value in named.values()}
                if isinstance(text, ast.Constant) and isinstance(text.value, str) and text.value not in known:
                    methods = ALL if method == "compile" else (SAME.get(method, method),)
                    yield f"{short}:{call.lineno}", Case(re.compile(text.value), methods)


def method_called(call: ast.Call) -> str:
    """Return the name of a function of `re` that is called with a pattern, or ""."""
    function = call.func
    if isinstance(function, ast.Attribute) and ast.unparse(function.value) == "re":
        return function.attr if function.attr in {*METHODS, "compile"} else ""
    return ""


def methods_of(name: str, source: str) -> tuple[str, ...]:
    """Return the methods of a pattern that its module uses; all where the pattern itself is handed on.

    A pattern that begins with blanks is quadratic where it is searched, and linear where it is matched.
    """
    uses = re.findall(rf"\b{name}\b(?:\.(\w+))?", source)
    used = {SAME.get(use, use) for use in uses} - {""}
    is_handed_on = uses.count("") > 1 or not used <= {"search", "match", "fullmatch", "findall"}
    return ALL if is_handed_on else tuple(sorted(used))


WITH_TORCH = ("qasr_cli.engines.qwen3", "qasr_cli.engines.vllm", "qasr_cli.engines.device")
SAME = dict.fromkeys(("finditer", "sub", "subn", "split"), "findall")  # go through the text in the same way
METHODS = {"search", "match", "fullmatch", "findall", *SAME}
ALL = ("findall", "fullmatch", "match", "search")
PATTERNS = dict(pattern_cases())
del PATTERNS["subtitles.qc.check_text._LOOP"]  # only the first 500 characters of a caption are searched
# Only up to the last `>`, so that each tag finds its end; `test_every_reader` tries that.
PATTERNS["formats.readers.webvtt_text._TOKEN"].methods = ("match", "search")


def assert_linear(run: Callable[[int], object], sizes: tuple[int, int] = LONG) -> None:
    """Fail if the second size takes too long; the first one is tried only if that is to be judged."""
    assert any(
        is_linear(run, sizes) for _ in range(N_TRIES)
    )  # a busy machine makes one of them long, not all


def is_linear(run: Callable[[int], object], sizes: tuple[int, int]) -> bool:
    took_s = cpu_s(run, sizes[1])
    return took_s <= MAX_GROWTH * UNMEASURABLE_S or took_s <= MAX_GROWTH * cpu_s(run, sizes[0])


def cpu_s(run: Callable[[int], object], size: int) -> float:
    begun_s = time.process_time()
    run(size)
    return time.process_time() - begun_s


def repeated(piece: str, size: int) -> str:
    return piece * (size // len(piece.encode()))


def test_patterns_of_all_packages_are_found() -> None:
    packages = {re.split(r"[.:]", name)[0] for name in PATTERNS}
    assert {
        "cli",
        "engines",
        "escapes",
        "formats",
        "hooks",
        "media",
        "runs",
        "speech",
        "subtitles",
    } <= packages
    assert {"hooks.address._URL", "media.probe._MEAN_RATE", "cli.settings_file._ONE_TEXT"} <= set(PATTERNS)
    assert any(name.startswith("media.probe:") for name in PATTERNS)  # in a call


@pytest.mark.parametrize("name", PATTERNS)
def test_every_pattern(name: str) -> None:
    case = PATTERNS[name]
    of_bytes = isinstance(case.pattern.pattern, bytes)
    for begin in BEGINS:  # many kinds of text say more than long ones
        for piece in FEW if begin else PIECES:

            def run(size: int, begin: str = begin, piece: str = piece) -> None:
                text = f"{begin}{repeated(piece, size)}!"
                subject: Any = text.encode() if of_bytes else text
                for method in case.methods:
                    getattr(case.pattern, method)(subject)

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
