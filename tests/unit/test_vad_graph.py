"""The detector's model in large products: what the shipped one gives, from the shipped weights."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from qasr_cli.errors import UnavailableError
from qasr_cli.options import VadOptions
from qasr_cli.speech.audio import onnx_format, vad, vad_graph
from qasr_cli.speech.audio.vad import SpeechDetector, SpeechMap
from tests import sounds

CLIPS = Path(__file__).parents[2] / "samples" / "clips"
# The shipped graph itself is up to 2e-5 from exact arithmetic on the samples, the rebuilt one 1.3e-5.
MAX_DIFFERENCE = 3e-5
RNG = np.random.default_rng(11)
SOUNDS: dict[str, Callable[[], np.ndarray]] = {
    "clip-01": lambda: read("clip-01.wav"),
    "clip-03": lambda: read("clip-03.flac"),
    "clip-06": lambda: read("clip-06.wav"),
    "clip-08": lambda: read("clip-08.flac"),
    "faint speech": lambda: read("clip-06.wav") // 500,
    "clipped speech": lambda: np.clip(read("clip-06.wav").astype(int) * 30, -32768, 32767).astype(np.int16),
    "pink noise": lambda: (32_000 * sounds.noise(RNG, 160_000, 0.5)).clip(-32768, 32767).astype(np.int16),
    "silence": lambda: np.zeros(48_000, np.int16),
    "square wave": lambda: np.where(np.arange(80_000) // 40 % 2, 32767, -32768).astype(np.int16),
    "one sample": lambda: np.array([9000], np.int16),
}


def read(name: str) -> np.ndarray:
    samples: np.ndarray = soundfile.read(CLIPS / name, dtype="int16")[0]
    return samples


def detect(samples: np.ndarray) -> SpeechMap:
    detector = SpeechDetector(VadOptions())
    for start in range(0, len(samples), 32_000):
        detector.feed(samples[start : start + 32_000])
    return detector.finish()


def _model() -> bytes:
    package = find_spec("silero_vad")
    assert package is not None
    assert package.origin is not None
    return (Path(package.origin).parent / vad._MODEL_FILE).read_bytes()


SHIPPED = _model()


def session(model: bytes) -> Any:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def answers(model: bytes, rows: np.ndarray, state: np.ndarray) -> list[np.ndarray]:
    feed = {"input": rows, "h": state, "c": state}
    probs, *states = session(model).run(["speech_probs", "hn", "cn"], feed)
    return [probs.reshape(-1), *states]


@pytest.mark.parametrize("name", SOUNDS)
def test_it_finds_the_speech_that_the_shipped_graph_finds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = SOUNDS[name]()
    rebuilt = detect(samples)
    shipped_session = session(SHIPPED)
    monkeypatch.setattr(vad, "_session", lambda: shipped_session)
    shipped = detect(samples)
    assert rebuilt.spans == shipped.spans
    np.testing.assert_allclose(rebuilt.probs, shipped.probs, rtol=0, atol=MAX_DIFFERENCE)
    assert len(rebuilt.probs) == -(-len(samples) // vad.FRAME_SAMPLES)


def test_the_installed_model_is_the_known_one() -> None:
    assert vad_graph.rebuild(SHIPPED) is not None, "silero-vad has a new graph: see vad_graph._DIGEST"


def test_its_weights_are_those_of_the_model() -> None:
    bias = onnx_format.read(SHIPPED).weights["output.bias"]
    other = SHIPPED.replace(bias.tobytes(), (bias + np.float32(0.5)).tobytes())
    assert other != SHIPPED
    rebuilt = vad_graph.rebuild(other)
    assert rebuilt is not None
    rows = (RNG.standard_normal((5, vad_graph.INPUT_SAMPLES)) / 10).astype(np.float32)
    state = (RNG.standard_normal((1, 1, vad_graph.HIDDEN)) / 3).astype(np.float32)
    for one, expected in zip(answers(rebuilt, rows, state), answers(other, rows, state), strict=True):
        np.testing.assert_allclose(one, expected, rtol=0, atol=MAX_DIFFERENCE)


@pytest.mark.parametrize(
    "other",
    [
        b"",
        b"not a model",
        SHIPPED[:-1],
        SHIPPED[: len(SHIPPED) // 2],
        SHIPPED.replace(b"reflect", b"replect"),
        SHIPPED.replace(b"/encoder.1/Conv_output_0", b"/encoder.9/Conv_output_0"),
    ],
)
def test_another_graph_is_not_rebuilt(other: bytes) -> None:
    assert vad_graph.rebuild(other) is None


def test_an_unknown_graph_runs_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vad_graph, "_DIGEST", "of another release")
    monkeypatch.setattr(vad, "_session", vad._session.__wrapped__)  # not the one that is kept
    samples = read("clip-06.wav")
    frames = np.pad(samples, (0, -len(samples) % 512)).astype(np.float32).reshape(-1, 512) / np.float32(32768)
    tails = np.concatenate([np.zeros((1, 64), np.float32), frames[:-1, -64:]])
    rows = np.concatenate([tails, frames], axis=1)
    state = np.zeros((1, 1, vad_graph.HIDDEN), np.float32)
    np.testing.assert_array_equal(detect(samples).probs, answers(SHIPPED, rows, state)[0])


@pytest.mark.skipif(not Path("/proc/self/mem").is_file(), reason="a file that root cannot read, too")
def test_a_model_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vad, "_MODEL_FILE", Path("/proc/self/mem"))
    monkeypatch.setattr(vad, "_session", vad._session.__wrapped__)
    with pytest.raises(UnavailableError, match="silero-vad's model cannot be read: Input/output error"):
        SpeechDetector(VadOptions())


def test_no_damage_but_a_value_error() -> None:
    chance = random.Random(5)
    head = SHIPPED[:6000]
    for _ in range(300):
        damaged = bytearray(head[: chance.randrange(1, len(head))])
        for _ in range(3):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            onnx_format.read(bytes(damaged))
        except ValueError:
            continue
