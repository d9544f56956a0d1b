"""Records what the oracles give: `make oracles` compares, `make oracle-goldens` writes.

The files hold the cases too, so that `make test` compares without the packages.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests import evaluation_cases
from tests.oracles import packages

FOLDER = Path(__file__).parent.parent / "golden/oracles"
_N = 60
_N_CAPTIONS = 30
SENTENCES = (
    "Twenty-one o'clock, isn't it?",
    "O'Brien paid $3.50 for 1,000 colours [laughs] (off mic).",
    "Um, I'd've gone on the 21st of May, nineteen ninety-nine.",
    "Mr. Smith's favourite café costs 5% more",
    "हिन्दी में लिखा।",
    "กรุงเทพมหานคร",
    "مُحَمَّد",
    "がぎぐ Straße ﬁne １２３",
    "two hundred and five, three point one four",
    "",
)


def diarization() -> list[dict[str, Any]]:
    """Return turns with their errors under three conditions, and the Jaccard error rate."""
    cases = []
    for seed in range(_N):
        reference, system = evaluation_cases.turns(seed)
        errors = [
            packages.diarization(reference, system, collar_ms, is_overlap_scored=is_overlap_scored)
            for collar_ms, is_overlap_scored in ((0, True), (250, True), (250, False))
        ]
        words = packages.speaker_words(reference, system)
        cases.append(
            {
                "reference": [list(asdict(turn).values()) for turn in reference],
                "system": [list(asdict(turn).values()) for turn in system],
                "errors_ms": errors,
                "jer": round(packages.jaccard(reference, system), 6),
                "cp_tcp_words": words,
            }
        )
    return cases


def subtitles() -> list[dict[str, Any]]:
    """Return captions with their SubER."""
    cases = []
    for seed in range(_N_CAPTIONS):
        reference, system = evaluation_cases.captions(seed)
        cases.append(
            {
                "reference": [[one.start_ms, one.end_ms, list(one.lines)] for one in reference],
                "system": [[one.start_ms, one.end_ms, list(one.lines)] for one in system],
                "edit_rate": packages.subtitle_edit_rate(system, reference),
            }
        )
    return cases


def whisper() -> list[dict[str, Any]]:
    """Return sentences as whisper's normalizers give them."""
    return [{"text": text, "english_basic": packages.whisper(text)} for text in SENTENCES]


def made() -> dict[str, str]:
    """Return the text of each file by its name."""
    parts = {"speakers": diarization(), "subtitles": subtitles(), "whisper": whisper()}
    files = {}
    for name, cases in parts.items():
        rows = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
        head = json.dumps({"command": "make oracle-goldens", **packages.versions()})
        files[f"{name}.json"] = f'{{"made_by": {head},\n"cases": [\n{rows}\n]}}\n'
    return files


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in made().items():
        (FOLDER / name).write_text(text, "utf-8")
