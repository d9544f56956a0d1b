"""The detector in a process: what it loads, what it writes, that threads may share its model, its spans."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from qasr_cli.errors import UnavailableError
from qasr_cli.options import VadOptions
from qasr_cli.records import Span
from qasr_cli.speech.audio import vad
from qasr_cli.speech.audio.vad import SpeechDetector, SpeechMap, find_spans
from tests.effort import growth

CLIPS = Path(__file__).parents[2] / "samples" / "clips"


def detect(samples: np.ndarray, block: int = 10_000) -> SpeechMap:
    detector = SpeechDetector(VadOptions())
    for start in range(0, len(samples), block):
        detector.feed(samples[start : start + block])
    return detector.finish()


def test_threads_that_share_the_model_do_not_disturb_each_other() -> None:
    clips = [
        soundfile.read(CLIPS / name, dtype="int16")[0]
        for name in ("clip-01.wav", "clip-03.flac", "clip-06.wav", "clip-08.flac")
    ] * 8
    alone = [detect(clip) for clip in clips[:4]] * 8
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(detect, clips))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.probs, other.probs)
        assert one.spans == other.spans


def test_it_loads_no_torch_and_writes_nothing() -> None:
    code = """
import sys
import numpy as np
from qasr_cli.options import VadOptions
from qasr_cli.speech.audio.vad import SpeechDetector
detector = SpeechDetector(VadOptions())
detector.feed(np.zeros(160_000, np.int16))
detector.finish()
sys.exit("torch" in sys.modules or "silero_vad" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("is_package_there", [True, False])
def test_a_missing_model_is_named(
    is_package_there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = ModuleType("silero_vad")
    package.__spec__ = ModuleSpec("silero_vad", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setitem(sys.modules, "silero_vad", package if is_package_there else None)
    vad._session.cache_clear()
    with pytest.raises(UnavailableError, match="silero-vad"):
        SpeechDetector(VadOptions())


def spans_of(probs: list[float], **options: float) -> list[tuple[int, int]]:
    found = find_spans(
        np.array(probs, np.float32),
        32 * len(probs),
        VadOptions(**({"pad_ms": 0, "min_speech_ms": 64} | options)),  # type: ignore[arg-type]
    )
    return [(span.start_ms, span.end_ms) for span in found]


def test_speech_begins_above_onset_and_lasts_until_below_offset() -> None:
    assert spans_of([0.4, 0.6, 0.6, 0.4, 0.4, 0.4, 0.4, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1]) == [(32, 256)]


def test_a_short_dip_is_inside_speech_and_a_short_burst_is_none() -> None:
    assert spans_of([0.9, 0.9, 0.1, 0.1, 0.9, 0.9, *[0.1] * 8, 0.9, *[0.1] * 8]) == [(0, 192)]


@pytest.mark.parametrize(
    "dips",
    [[0.3], [0.3, 0.3, 0.3], [0.3, *[0.45] * 50, 0.3], [0.3, *[0.45] * 50, 0.3, *[0.45] * 50, 0.3, 0.3]],
)
def test_soft_speech_behind_a_short_dip_is_speech(dips: list[float]) -> None:
    probs = [0.9] * 30 + dips + [0.45] * 150
    whole = [(0, 32 * len(probs))]
    assert spans_of(probs) == whole
    assert spans_of([*probs, *[0.1] * 9]) == whole
    assert spans_of([*probs, *[0.9] * 9]) == [(0, whole[0][1] + 9 * 32)]


def test_behind_a_long_fall_speech_begins_above_onset_only() -> None:
    fall = [0.3] * 4  # 128 ms
    assert spans_of([*[0.9] * 4, *fall, *[0.45] * 50, *[0.9] * 4]) == [(0, 128), (1_856, 1_984)]
    assert spans_of([*[0.9] * 4, *fall, *[0.45] * 50]) == [(0, 128)]


def test_the_shortest_silence_that_ends_speech() -> None:
    probs = [*[0.9] * 4, *[0.1] * 4, *[0.9] * 4]
    assert len(spans_of(probs, min_silence_ms=128)) == 2
    assert len(spans_of(probs, min_silence_ms=129)) == 1
    assert len(spans_of([0.9, 0.9, 0.1, 0.9, 0.9], min_silence_ms=0)) == 2


def test_looking_through_hours_grows_with_them_and_no_faster() -> None:
    def find(hours: int) -> tuple[Span, ...]:
        duration_ms = hours * 3_600_000
        rng = np.random.default_rng(1)
        probs = np.repeat(rng.random(duration_ms // 32 // 25, dtype=np.float32), 25)
        return find_spans(probs, duration_ms, VadOptions())

    assert len(find(10)) > 5_000
    assert growth(find, 1, 4) < 5


def test_pads_that_meet_are_one_span_and_never_leave_the_media() -> None:
    probs = [0.9] * 4 + [0.1] * 6 + [0.9] * 4
    assert spans_of(probs) == [(0, 128), (320, 448)]
    assert spans_of(probs, pad_ms=50) == [(0, 178), (270, 448)]
    assert spans_of(probs, pad_ms=96) == [(0, 448)]


@pytest.fixture(scope="module")
def talk() -> np.ndarray:
    """Two clips with two seconds of silence between and around them."""
    first, second = (
        soundfile.read(CLIPS / name, dtype="int16")[0] for name in ("clip-06.wav", "clip-03.flac")
    )
    quiet = np.zeros(32_000, dtype=np.int16)
    return np.concatenate([quiet, first, quiet, second, quiet])


class TestDetection:
    def test_speech_is_found_where_it_is(self, talk: np.ndarray) -> None:
        speech = detect(talk)
        first, second = speech.spans[0], speech.spans[-1]
        assert 2_000 <= first.start_ms < 2_600
        assert speech.duration_ms - 2_400 < second.end_ms <= speech.duration_ms - 1_700
        assert max(b.start_ms - a.end_ms for a, b in pairwise(speech.spans)) > 1_500

    def test_the_size_of_the_blocks_does_not_matter(self, talk: np.ndarray) -> None:
        whole = detect(talk, len(talk))
        for block in (1, 511, 512, 16_000, 262_144):
            if block == 1:
                short = talk[40_000:44_000]
                np.testing.assert_array_equal(detect(short, 1).probs, detect(short, len(short)).probs)
                continue
            part = detect(talk, block)
            np.testing.assert_array_equal(part.probs, whole.probs)
            assert part.spans == whole.spans

    @pytest.mark.parametrize("kind", ["silence", "noise", "tone", "hum", "clicks", "nothing"])
    def test_what_is_not_speech_is_not_found(self, kind: str) -> None:
        n = 16_000 * 20
        t = np.arange(n) / 16_000
        rng = np.random.default_rng(1)
        sounds = {
            "silence": np.zeros(n),
            "noise": rng.standard_normal(n) * 2_000,
            "tone": np.sin(2 * np.pi * 440 * t) * 8_000,
            "hum": np.sin(2 * np.pi * 50 * t) * 20_000,
            "clicks": np.where(np.arange(n) % 8_000 < 20, 20_000, 0),
            "nothing": np.zeros(0),
        }
        assert detect(sounds[kind].astype(np.int16)).spans == ()
