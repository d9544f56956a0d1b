"""The oracles: figures of one case by meeteval, pyannote.metrics, subtitle-edit-rate, whisper-normalizer."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from meeteval.io.seglst import SegLST
from meeteval.wer.wer.cp import cp_word_error_rate
from meeteval.wer.wer.time_constrained import tcp_word_error_rate
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate, JaccardErrorRate
from suber.file_readers import SRTFileReader
from suber.metrics.suber import calculate_SubER
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

from qasr_cli.evaluation.utterances import Turn
from qasr_cli.records import Caption

PACKAGES = ("meeteval", "pyannote.metrics", "subtitle-edit-rate", "whisper-normalizer")

logging.getLogger("preprocess").setLevel(logging.ERROR)  # of speakers who overlap themselves: the cases do
warnings.filterwarnings("ignore", module="meeteval")


def versions() -> dict[str, str]:
    """Return the version of each package."""
    return {name: version(name) for name in PACKAGES}


def diarization(
    reference: Sequence[Turn], system: Sequence[Turn], collar_ms: int, *, is_overlap_scored: bool
) -> list[int]:
    """Return ms of speech, missed, false alarm and confusion. pyannote's collar is the whole width, in s."""
    metric = DiarizationErrorRate(collar=2 * collar_ms / 1_000, skip_overlap=not is_overlap_scored)
    found = metric(_annotation(reference), _annotation(system), uem=_region(reference), detailed=True)
    return [round(found[name] * 1_000) for name in ("total", "missed detection", "false alarm", "confusion")]


def jaccard(reference: Sequence[Turn], system: Sequence[Turn]) -> float:
    """Return the Jaccard error rate."""
    metric = JaccardErrorRate(collar=0)
    return float(metric(_annotation(reference), _annotation(system), uem=_region(reference)))


def _annotation(turns: Sequence[Turn]) -> Annotation:
    annotation = Annotation()
    for number, turn in enumerate(turns):
        annotation[Segment(turn.start_ms / 1_000, turn.end_ms / 1_000), number] = turn.speaker
    return annotation.support()


def _region(turns: Sequence[Turn]) -> Timeline:
    first, last = min(turn.start_ms for turn in turns), max(turn.end_ms for turn in turns)
    return Timeline([Segment(first / 1_000, last / 1_000)])


def speaker_words(reference: Sequence[Turn], system: Sequence[Turn]) -> list[int]:
    """Return the errors of cpWER and of tcpWER with a collar of 5 s, and the number of words."""
    sides = [
        SegLST(
            [
                {
                    "session_id": "case",
                    "speaker": turn.speaker,
                    "start_time": turn.start_ms,
                    "end_time": turn.end_ms,
                    "words": turn.text,
                }
                for turn in turns
            ]
        )
        for turns in (reference, system)
    ]
    plain = cp_word_error_rate(*sides)
    in_time = tcp_word_error_rate(*sides, collar=5_000)
    return [int(plain.errors), int(in_time.errors), int(plain.length)]


def subtitle_edit_rate(system: Sequence[Caption], reference: Sequence[Caption]) -> float:
    """Return SubER in percent."""
    with tempfile.TemporaryDirectory() as folder:
        read = []
        for name, captions in (("system", system), ("reference", reference)):
            path = Path(folder, f"{name}.srt")
            path.write_text("\n".join(_srt(n, one) for n, one in enumerate(captions, 1)), "utf-8")
            read.append(SRTFileReader(str(path)).read())
        return float(calculate_SubER(*read))


def _srt(number: int, caption: Caption) -> str:
    times = " --> ".join(map(_time, (caption.start_ms, caption.end_ms)))
    text = "\n".join(caption.lines)
    return f"{number}\n{times}\n{text}\n"


def _time(ms: int) -> str:
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1_000 % 60:02},{ms % 1_000:03}"


def whisper(text: str) -> list[str]:
    """Return a text as the English and the basic normalizer give it."""
    return [EnglishTextNormalizer()(text), BasicTextNormalizer()(text)]
