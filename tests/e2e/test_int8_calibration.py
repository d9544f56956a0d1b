"""The clips on which 8-bit weights are judged, and the verdicts about a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from qasr_cli.engines import model_store
from qasr_cli.engines.cpu import attention_kernel, cpu_format, int8_linear
from qasr_cli.engines.device import Placement
from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.model_store import StoredModel
from qasr_cli.engines.qwen3 import calibration, ima_adpcm, loading
from qasr_cli.engines.qwen3.calibration import Verdict
from qasr_cli.engines.qwen3.engine import Qwen3Recognizer
from qasr_cli.engines.qwen3.setup import Setup
from qasr_cli.options import DecodeOptions
from tools import make_calibration

CPU = Placement(torch.device("cpu"), torch.float32)
BF16 = Placement(torch.device("cpu"), torch.bfloat16)
kernel = int8_linear.exact_int8()
assert kernel is not None
KERNEL = kernel


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QASR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def demo() -> StoredModel:
    found = model_store.find(model_store.recognizer_location("demo"))
    assert found is not None
    return found


class Answers:
    """The given tokens, and with which bits they were asked for."""

    def __init__(self, plain: list[list[int]], int8: list[list[int]]) -> None:
        self.asked: list[int | None] = []
        self._plain, self._int8 = plain, int8

    def __call__(self, bits: int | None) -> list[list[int]]:
        self.asked.append(bits)
        return self._plain if bits is None else self._int8


SAME = [[1, 2, 3], [4, 5]]
OTHER = [[1, 2, 3], [4, 6]]


class TestClips:
    def test_they_are_whole_sentences_in_a_small_file(self) -> None:
        path = Path(calibration.__file__).with_name(calibration.CLIPS_FILE)
        assert path.stat().st_size < 300_000
        clips = calibration.clips()
        assert len(clips) == 12
        assert {clip.dtype for clip in clips} == {np.dtype(np.int16)}
        assert all(2 * 16_000 <= len(clip) <= 4 * 16_000 for clip in clips)

    def test_the_demo_model_writes_each_of_them_as_it_was_spoken(self, demo: StoredModel) -> None:
        recognizer = Qwen3Recognizer(loading.open_model(Kind.RECOGNIZER, demo), Setup(CPU))
        sentences = make_calibration.sentences()
        spoken = [" ".join(word["text"] for word in sentences[n]) for n in make_calibration.CHOSEN]
        audio = [clip.astype(np.float32) / 32768 for clip in calibration.clips()]
        written = [answer.text for answer in recognizer.recognize(audio, DecodeOptions())]
        assert sum(one == other for one, other in zip(written, spoken, strict=True)) >= 11

    def test_a_step_of_adpcm_is_the_standard_s(self) -> None:
        # By hand, from silence and the smallest step, 7: code 7 adds 7/8 + 7/4 + 7/2 + 7 in whole numbers
        # (0, 1, 3, 7) and goes 8 steps up, to 16; code 15 takes 2 + 4 + 8 + 16 away.
        assert ima_adpcm.decode(np.array([[0xF7]], dtype=np.uint8)).tolist() == [[11, -19]]

    def test_adpcm_keeps_a_sound_within_its_steps(self) -> None:
        time = np.arange(16_000)
        sound = (8000 * np.sin(time / 20) + 500 * np.sin(time / 3)).astype(np.int16)
        rows = np.stack([sound, -sound])
        found = ima_adpcm.decode(ima_adpcm.encode(rows))
        error = (found.astype(float) - rows)[:, 200:]
        assert np.sqrt((error**2).mean()) < 0.02 * np.sqrt((rows.astype(float) ** 2).mean())

    def test_the_loudest_sounds_do_not_overflow(self) -> None:
        loud = np.tile(np.array([32767, -32768], dtype=np.int16).repeat(50), 20)[None]
        found = ima_adpcm.decode(ima_adpcm.encode(loud))
        assert np.sign(found[0, 40::50]).tolist() == np.sign(loud[0, 40::50]).tolist()


class TestVerdict:
    @pytest.mark.parametrize(
        ("plain", "int8", "expected", "is_equal"),
        [
            (SAME, SAME, Verdict(2, 2, 5), True),
            (SAME, OTHER, Verdict(2, 1, 5), False),
            (SAME, [[1, 2, 3], [4, 5, 6]], Verdict(2, 1, 5), False),
            ([[], []], [[], []], Verdict(2, 2, 0), False),  # a model that writes nothing proves nothing
            ([], [], Verdict(0, 0, 0), False),
        ],
    )
    def test_every_token_of_every_clip_must_be_the_same(
        self, plain: list[list[int]], int8: list[list[int]], expected: Verdict, is_equal: bool
    ) -> None:
        found = calibration.compare(plain, int8)
        assert found == expected
        assert found.is_equal is is_equal

    @pytest.mark.parametrize(("int8", "is_equal"), [(SAME, True), (OTHER, False)])
    def test_a_model_is_judged_once(self, demo: StoredModel, int8: list[list[int]], is_equal: bool) -> None:
        answers = Answers(SAME, int8)
        first = calibration.verdict(demo, CPU, 8, answers)
        assert first.is_equal is is_equal
        assert answers.asked == [None, 8]
        assert calibration.verdict(demo, CPU, 8, answers) == first
        assert answers.asked == [None, 8]

    @pytest.mark.parametrize(("int8", "is_kept"), [(SAME, True), (OTHER, False)])
    def test_weights_that_change_an_answer_do_not_stay_in_the_cache(
        self, demo: StoredModel, cache: Path, int8: list[list[int]], is_kept: bool
    ) -> None:
        def answers(bits: int | None) -> list[list[int]]:
            if bits is None:
                return SAME
            Qwen3Recognizer(loading.open_model(Kind.RECOGNIZER, demo), Setup(replace(CPU, int8_bits=bits)))
            assert list(cache.glob("int8-*"))
            return int8

        calibration.verdict(demo, CPU, KERNEL.bits, answers)
        assert bool(list(cache.glob("int8-*"))) is is_kept

    def test_another_format_machine_or_attention_is_judged_anew(
        self, demo: StoredModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answers = Answers(SAME, SAME)
        for placement, bits in ((CPU, 8), (CPU, 7), (BF16, 8)):
            calibration.verdict(demo, placement, bits, answers)
        monkeypatch.setattr(cpu_format, "machine_key", lambda: "another")
        calibration.verdict(demo, CPU, 8, answers)
        monkeypatch.setattr(attention_kernel, "library", lambda: "another")
        calibration.verdict(demo, CPU, 8, answers)
        assert answers.asked == [None, 8, None, 7, None, 8, None, 8, None, 8]

    @pytest.mark.parametrize(
        "change",
        [
            lambda content: {},
            lambda content: [content],
            lambda content: {"key": content["key"]},  # a start that was killed while it recognised
            lambda content: content | {"verdict": None},
            lambda content: content | {"verdict": {"n_clips": 2}},
            lambda content: content | {"verdict": {"n_clips": 2, "n_equal": 3, "n_tokens": 5}},
            lambda content: content | {"verdict": {"n_clips": "2", "n_equal": "2", "n_tokens": "5"}},
            lambda content: content | {"key": "another"},
        ],
    )
    def test_a_damaged_verdict_does_not_count(
        self, demo: StoredModel, cache: Path, change: Callable[[dict[str, Any]], object]
    ) -> None:
        answers = Answers(SAME, OTHER)
        calibration.verdict(demo, CPU, 8, answers)
        (path,) = cache.iterdir()
        path.write_text(json.dumps(change(json.loads(path.read_text()))))
        assert not calibration.verdict(demo, CPU, 8, answers).is_equal
        assert len(answers.asked) == 4

    def test_without_a_cache_there_is_no_verdict_and_no_work(
        self, demo: StoredModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv("QASR_CACHE", str(tmp_path / "file"))
        answers = Answers(SAME, SAME)
        assert not calibration.verdict(demo, CPU, 8, answers).is_equal
        assert answers.asked == []

    def test_an_error_while_recognising_is_raised_and_judges_nothing(self, demo: StoredModel) -> None:
        def fail(bits: int | None) -> list[list[int]]:
            raise MemoryError

        with pytest.raises(MemoryError):
            calibration.verdict(demo, CPU, 8, fail)
        assert calibration.verdict(demo, CPU, 8, Answers(SAME, SAME)).is_equal


def test_the_demo_model_writes_the_same_in_8_bits(demo: StoredModel) -> None:
    audio = [clip.astype(np.float32) / 32768 for clip in calibration.clips()]
    kernel = int8_linear.exact_int8()
    assert kernel is not None
    opened = loading.open_model(Kind.RECOGNIZER, demo)

    def answers(bits: int | None) -> list[list[int]]:
        setup = Setup(replace(BF16, int8_bits=bits))
        return Qwen3Recognizer(opened, setup).write(audio, DecodeOptions())

    found = calibration.verdict(demo, BF16, kernel.bits, answers)
    assert found.n_clips == 12
    assert found.n_tokens > 100
    assert found.is_equal
