"""Reports of an evaluation: what they look like, and that foreign texts stay texts in each of them."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from qasr_cli.errors import printable
from qasr_cli.evaluation.figures import Edit, Evaluation, Interval, Operation, Unit
from qasr_cli.evaluation.reports import csv_tables, drawings, html_page, markdown, tables, terminal, wording
from qasr_cli.evaluation.reports.worst_utterances import Run, differences, link
from qasr_cli.terminal.tables import n_cells
from tests import evaluations
from tests.evaluations import HOSTILE

ALL = {name: getattr(evaluations, name)() for name in ("big", "empty", "hostile", "small")}
DOCS = Path(__file__).parents[2] / "docs"
TABLE = {"thead", "tbody", "tr", "th", "td"}
WIDE = """\
Error rates
Percent, with 95 % intervals. S / D / I: substitutions, deletions, insertions, by the first one. Too few \
to tell: 测试集
(9 utterances).
set         system  utterances      audio  unit               qasr                  none            S / D / I
test-clean  qasr           120  10:12 min   WER  3.20 [2.87, 3.61]  31.10 [29.00, 33.00]   2.10 / 0.80 / 0.30
测试集      other            9  1:00:00 h   CER              10.00                   n/a  10.00 / 0.00 / 0.00

Systems side by side
"""
NARROW = """\
Error rates
Percent, with 95 % intervals. S / D / I:
substitutions, deletions, insertions, by
the first one. Too few to tell: 测试集
(9 utterances).
test-clean, qasr
  utterances  120
  audio       10:12 min
  unit        WER
  qasr        3.20 [2.87, 3.61]
  none        31.10 [29.00, 33.00]
  S / D / I   2.10 / 0.80 / 0.30
测试集, other
  utterances  9
"""
MARKDOWN = """\
# Evaluation

## Warnings

* **测试集, other**: every utterance of the set is short

## Error rates

Percent, with 95 % intervals. S / D / I: substitutions, deletions, insertions, by the first one. Too few \
to tell: 测试集 (9 utterances).

| set | system | utterances | audio | unit | qasr | none | S / D / I |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
| test-clean | qasr | 120 | 10:12 min | WER | 3.20 [2.87, 3.61] | 31.10 [29.00, 33.00] | 2.10 / 0.80 / 0.30 |
| 测试集 | other | 9 | 1:00:00 h | CER | 10.00 | n/a | 10.00 / 0.00 / 0.00 |

## Systems side by side

First minus second, in points of percent, by paired bootstrap. Fewer / more / equal: utterances by the first \
one's errors.

| set | systems | rate | difference | fewer / more / equal | verdict |
| --- | --- | --- | ---: | ---: | --- |
| test-clean | qasr against other | WER, qasr | -0.31 [-0.60, -0.02] | 20 / 9 / 91 | qasr is better \
in 99.1 % of the draws |
"""
RATES = """\
set,system,language,n_utterances,audio_ms,n_missing,n_empty,n_empty_references,unit,normalizer,\
n_units,n_substitutions,n_deletions,n_insertions,rate,low,high,n_blocks,blocks
test-clean,qasr,en,120,612500,0,1,0,WER,qasr,1000,21,8,3,0.032,0.0287,0.0361,40,speaker
test-clean,qasr,en,120,612500,0,1,0,WER,none,1000,300,8,3,0.311,0.29,0.33,40,speaker
测试集,other,zh,9,3600000,1,0,0,CER,qasr,90,9,0,0,0.1,,,9,utterance
"""


class Page(HTMLParser):
    """Collects the elements, attributes and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def page_of(evaluation: Evaluation) -> str:
    return html_page.render(evaluation, Path("/reports"))


def test_on_a_wide_terminal_tables_are_aligned() -> None:
    assert terminal.render(evaluations.small(), 120).startswith(WIDE)


def test_on_a_narrow_terminal_a_table_is_a_list() -> None:
    assert terminal.render(evaluations.small(), 40).startswith(NARROW)


@pytest.mark.parametrize("width", [32, 40, 61, 80, 120])
@pytest.mark.parametrize("name", ["big", "small"])
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    lines = terminal.render(ALL[name], width).splitlines()
    assert max(map(n_cells, lines)) <= width
    assert not any(line.endswith(" ") for line in lines)


@pytest.mark.parametrize("width", [40, 80, 10_000])
def test_a_terminal_gets_no_control_characters(width: int) -> None:
    text = terminal.render(evaluations.hostile(), width)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", text)
    assert "\\x1b" in text


def test_markdown() -> None:
    assert markdown.render(evaluations.small()).startswith(MARKDOWN)


def test_markdown_shows_foreign_texts_as_they_are() -> None:
    parser = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"])
    page = Page(parser.render(markdown.render(evaluations.hostile())))
    assert set(page.tags) <= {"h1", "h2", "h3", "p", "ul", "li", "strong", "table", *TABLE}
    shown = printable(HOSTILE)
    cells = {text for text in page.texts if "<script>" in text}
    assert {text for text in cells if text == shown}  # a whole cell: its bar opens no column
    assert "http://" not in markdown.render(evaluations.hostile())  # sites make links of bare addresses


def test_csv() -> None:
    files = csv_tables.render(evaluations.small())
    assert files["rates.csv"] == RATES.replace("\n", "\r\n")
    assert set(files) == {"rates.csv", "comparisons.csv", "errors.csv", "languages.csv", "times.csv"}


def test_the_reference_names_the_columns_of_each_csv_table() -> None:
    lines = (DOCS / "reference/eval-results.md").read_text("utf-8").splitlines()
    rows = [line.split(" | ") for line in lines if re.match(r"\| `\w+\.csv` \|", line)]
    told = {
        row[0].strip("| `"): re.findall(r"`([a-z_0-9]+)`", re.sub(r"\([^)]*\)|in place of `\w+`", "", row[2]))
        for row in rows
    }
    found = {
        name: [column for column in text.splitlines()[0].split(",") if column not in {"set", "system"}]
        for name, text in csv_tables.render(evaluations.big()).items()
    }
    assert told == found


def test_no_cell_of_a_csv_table_is_a_formula() -> None:
    files = csv_tables.render(evaluations.hostile())
    cells = [cell for text in files.values() for row in csv.reader(io.StringIO(text)) for cell in row]
    texts = [cell for cell in cells if not re.fullmatch(r"-?[0-9.e+]+", cell)]
    assert "'+1" in cells
    assert "'@SUM(A1)" in cells
    assert [cell for cell in texts if cell.lstrip().startswith(("=", "+", "-", "@"))] == []


def test_a_negative_number_of_a_csv_table_stays_a_number() -> None:
    [_, row] = csv.reader(io.StringIO(csv_tables.render(evaluations.small())["comparisons.csv"]))
    assert float(row[5]) == -0.0031


def test_all_tables_have_as_many_cells_as_columns() -> None:
    for text in csv_tables.render(evaluations.big()).values():
        header, *rows = csv.reader(io.StringIO(text))
        assert rows
        assert {len(row) for row in rows} == {len(header)}


@pytest.mark.parametrize("name", list(ALL))
def test_the_page_runs_nothing_and_asks_nobody(name: str) -> None:
    page = Page(page_of(ALL[name]))
    assert not {"script", "iframe", "object", "embed", "img", "link", "base", "form"} & set(page.tags)
    assert not [name for name in page.attributes if name.startswith("on")]
    assert [one for one in page.links if re.match(r"(?i)[a-z]+:|//", one)] == []


def test_the_page_of_nothing_has_no_zero_for_what_is_unknown() -> None:
    text = page_of(evaluations.empty())
    assert "n/a" in text
    assert not re.search(r"\b0[.,]\d", re.sub(r"(?s)<style>.*</style>|content=\"[^\"]*\"", "", text))
    assert "nan" not in text.lower()


def test_a_big_page_is_small() -> None:
    assert len(page_of(evaluations.big()).encode()) < 1_000_000


def test_direction_characters_do_not_turn_the_page_round() -> None:
    text = page_of(evaluations.hostile())
    assert "\u202e" not in text
    assert "\\u202e" in text


def test_too_few_to_tell_is_told() -> None:
    assert "12 speakers: too few to tell" in page_of(ALL["big"])
    for text in (terminal.render(ALL["big"], 100), markdown.render(ALL["big"])):
        assert "Too few to tell: own recordings (12 speakers)." in " ".join(text.split())


def test_what_was_run_together_has_one_speed() -> None:
    [speed] = [table for table in tables.tables(evaluations.big()) if table.key == "speed"]
    assert [row[:2] for row in speed.rows] == [("all", name) for name in evaluations.SYSTEMS]


def test_what_is_unknown_is_never_a_number() -> None:
    assert wording.percent(None) == wording.interval(None) == wording.count(None) == "n/a"
    assert wording.interval(Interval(0.0452, 0.041, 0.05)) == "4.52 [4.10, 5.00]"
    assert wording.interval(Interval(-0.001, None, None), is_signed=True) == "-0.10"
    assert [wording.duration(ms) for ms in (0, 59_940, 59_999, 60_000, 3_599_600)] == [
        "n/a",
        "59.9 s",
        "1:00 min",
        "1:00 min",
        "1:00:00 h",
    ]


@pytest.mark.parametrize(
    ("longest", "texts"),
    [
        (0.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (4.24, ["0", "1", "2", "3", "4", "5"]),
        (11.0, ["0.0", "2.5", "5.0", "7.5", "10.0", "12.5"]),
        (100.0, ["0", "20", "40", "60", "80", "100"]),
    ],
)
def test_axes_have_round_marks(longest: float, texts: list[str]) -> None:
    assert [tick.text for tick in drawings.axis([longest]).ticks] == texts


def edits(text: str) -> list[Edit]:
    """Return edits from `=word`, `-word`, `+word` and `word>other`."""
    found = []
    for part in text.split():
        if part[0] == "=":
            found.append(Edit(Operation.EQUAL, part[1:], part[1:]))
        elif part[0] == "-":
            found.append(Edit(Operation.DELETION, part[1:], ""))
        elif part[0] == "+":
            found.append(Edit(Operation.INSERTION, "", part[1:]))
        else:
            found.append(Edit(Operation.SUBSTITUTION, *part.split(">")))
    return found


def test_errors_beside_each_other_are_read_together() -> None:
    runs, n_left_out = differences(edits("=the a>b c>d -e =f +g"), Unit.WORD)
    assert runs == [
        Run("equal", "the"),
        Run("del", "a c e"),
        Run("ins", "b d"),
        Run("equal", "f"),
        Run("ins", "g"),
    ]
    assert n_left_out == 0
    both = differences(edits("=y +de del>el =viejo"), Unit.WORD)[0]
    assert both == [Run("equal", "y"), Run("del", "del"), Run("ins", "de el"), Run("equal", "viejo")]


def test_characters_have_no_blanks_between() -> None:
    assert differences(edits("=我 =们 昨>作 天>田"), Unit.CHARACTER)[0] == [
        Run("equal", "我们"),
        Run("del", "昨天"),
        Run("ins", "作田"),
    ]
    assert differences(edits("=我 =ok =you =们"), Unit.MIXED)[0] == [Run("equal", "我ok you们")]


def test_of_a_long_text_the_stretches_around_errors_are_shown() -> None:
    far = " ".join(f"=w{number}" for number in range(100))
    runs, n_left_out = differences(edits(f"{far} a>b {far} -c {far}"), Unit.WORD)
    shown = " ".join(run.text for run in runs)
    assert shown.count("…") == 3
    assert n_left_out == 0
    assert len(shown.split()) < 50
    many = " ".join(f"=w a{number}>b" for number in range(500))
    assert differences(edits(many), Unit.WORD)[1] == 500 - 80


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/reports/a.wav", "a.wav"),
        ("/corpora/talk #1?.flac", "../corpora/talk%20%231%3F.flac"),
        ("/reports/javascript:alert(1).wav", "javascript%3Aalert%281%29.wav"),
        ("/reports/\udcff.wav", "%FF.wav"),
        ("/reports/百分.wav", "%E7%99%BE%E5%88%86.wav"),
    ],
)
def test_a_sound_is_linked_beside_the_page(path: str, expected: str) -> None:
    assert link(Path(path), Path("/reports")) == expected
