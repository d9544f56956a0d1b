"""Print how often qasr's subtitles and those of other tools break the rules: `make compare-writers`.

    python -m tools.compare_writers --python .venv-writers/bin/python          the tables
    python -m tools.compare_writers --python .venv-writers/bin/python --page  also into the benchmarks' page

The other tools' packages live in an environment of their own (see the Makefile).
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import unicodedata
from collections import Counter
from dataclasses import replace
from pathlib import Path

from qasr_cli.options import CueOptions, OutputOptions
from qasr_cli.pipeline import finish
from tools.compare_writers import foreign
from tools.compare_writers.corpora import ROOT, Case, cases
from tools.compare_writers.counting import RULES, count, read

OURS = "qasr"
_WIDTHS = {"zh": 16, "ja": 16, "ko": 16, "th": 35}
_MARKS = ("<!-- compare-writers -->", "<!-- end of compare-writers -->")
_PAGE = Path("docs/explanation/benchmarks.md")
_HEADS = ("writer", "cues", *RULES.values())
Written = dict[str, dict[str, str]]


def main() -> None:
    """Write with everything, count, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", required=True, help="of the environment that holds the other tools")
    parser.add_argument("--page", action="store_true", help=f"put the first table into {_PAGE}")
    arguments = parser.parse_args()
    found = cases()
    written = {OURS: {case.name: _ours(case) for case in found}} | _theirs(found, arguments.python)
    print(f"## All, per 1,000 cues\n\n{_table(found, written)}")
    for group in dict.fromkeys(case.group for case in found):
        some = [case for case in found if case.group == group]
        print(f"\n## {group}, per 1,000 cues\n\n{_table(some, written)}")
    print("\n## BBC's example\n")
    for name, texts in written.items():
        print(f"{name}\n\n{_laid_out(texts['bbc'])}\n")
    if arguments.page:
        _put(ROOT / _PAGE, _table(found, written))


def _ours(case: Case) -> str:
    # The counter counts at 24 frames a second, whatever the pace of a sample's picture.
    heard = replace(case.transcript, video=None)
    return finish.render(heard, CueOptions(), OutputOptions(formats=("srt",)))["srt"]


def _theirs(found: list[Case], python: str) -> Written:
    given = [
        {
            "name": case.name,
            "language": case.language,
            "width": _WIDTHS.get(case.language, 42),
            "sentences": [
                [
                    {
                        "lead": word.lead,
                        "text": unicodedata.normalize("NFC", word.text),
                        "start_ms": word.start_ms,
                        "end_ms": word.end_ms,
                    }
                    for word in sentence
                ]
                for sentence in case.sentences
            ],
        }
        for case in found
    ]
    done = subprocess.run(
        [python, foreign.__file__], input=json.dumps(given), stdout=subprocess.PIPE, text=True, check=True
    )
    theirs: Written = json.loads(done.stdout)
    return theirs


def _table(found: list[Case], written: Written) -> str:
    rows = ["| " + " | ".join(_HEADS) + " |", "|---" * len(_HEADS) + "|"]
    for name, texts in written.items():
        total: Counter[str] = Counter()
        for case in found:
            total.update(count(texts[case.name], case.language))
        shares = (f"{round(total[rule] * 1000 / total['cues']):,}" for rule in RULES)
        rows.append(f"| {name} | {total['cues']:,} | " + " | ".join(shares) + " |")
    return "\n".join(rows)


def _laid_out(srt: str) -> str:
    return "\n".join("    " + " / ".join(cue.lines) for cue in read(srt))


def _put(path: Path, table: str) -> None:
    text = path.read_text(encoding="utf-8")
    between = re.compile(f"(?<={_MARKS[0]}\n).*?(?={_MARKS[1]})", re.S)
    if not between.search(text):
        raise SystemExit(f"{path.name} has no place for the table: no line {_MARKS[0]}")
    path.write_text(between.sub(lambda _: f"\n{table}\n\n", text), encoding="utf-8")


if __name__ == "__main__":
    main()
