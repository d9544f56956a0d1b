"""The benchmarks' random weights, and the engine with a token cap, on weights of the family's vocabulary."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.engines.qwen3 import engine
from qasr_cli.errors import UnavailableError
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.records import Finish
from qasr_cli.speech.inference.protocols import AlignRequest
from tests.bench import capped, random_weights
from tests.bench.contest import process

ENGLISH = DecodeOptions(language="en")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    random_weights.write("tiny", folder)
    random_weights.write("tiny-aligner", folder)
    return folder


@pytest.fixture(autouse=True)
def _budget_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = getattr(engine, "_token_budget", None)
    monkeypatch.setattr(engine, "_token_budget", before, raising=False)


def _noise(seconds: float) -> np.ndarray:
    samples = np.random.default_rng(5).normal(0, 0.1, round(seconds * 16_000))
    return samples.astype(np.float32)


def test_every_chunk_gets_all_of_its_tokens_and_plain_words(folder: Path) -> None:
    options = EngineOptions(model=str(folder / "tiny"), aligner=str(folder / "tiny-aligner"), device="cpu")
    pair = capped.load(options)
    answers = pair.recognizer.recognize([_noise(2.5), _noise(6)], ENGLISH)
    assert [answer.n_tokens for answer in answers] == [10, 24]
    assert {answer.finish for answer in answers} == {Finish.COMPLETE}
    assert len(answers[1].text.split()) == 15
    assert pair.aligner is not None
    assert pair.aligner.supports("English")
    (posterior,) = pair.aligner.align([AlignRequest(_noise(2), ("one", "two"), "English")])
    assert np.isfinite(posterior.log_probs).all()


def test_more_tokens_per_second_are_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QASR_BENCH_TOKENS_PER_S", "9")
    pair = capped.load(EngineOptions(model=str(folder / "tiny"), aligner="none", device="cpu"))
    assert [answer.n_tokens for answer in pair.recognizer.recognize([_noise(2)], ENGLISH)] == [18]


def test_weights_that_stop_are_refused() -> None:
    pair = capped.load(EngineOptions(model="demo", aligner="none", device="cpu"))
    with pytest.raises(UnavailableError, match="wrote 0 tokens and not 8"):
        pair.recognizer.recognize([np.zeros(32_000, np.float32)], ENGLISH)


def test_a_whole_folder_stays_and_a_torn_one_does_not(folder: Path) -> None:
    weights = folder / "tiny" / "model.safetensors"
    whole = weights.stat().st_mtime_ns, weights.read_bytes()
    random_weights.write("tiny", folder)
    assert weights.stat().st_mtime_ns == whole[0]
    (folder / "tiny" / "recipe.json").unlink()
    weights.write_bytes(b"torn")
    random_weights.write("tiny", folder)
    assert weights.read_bytes() == whole[1]


def test_a_process_is_measured_with_what_it_says(tmp_path: Path) -> None:
    script = "import sys; x = bytearray(60_000_000); print('out'); sys.exit('bad')"
    measured = process.run([sys.executable, "-c", script], {}, tmp_path)
    assert (measured.exit_code, measured.output, measured.errors) == (1, "out\n", "bad\n")
    assert measured.peak_mb > 60
    assert 0 < measured.cpu_s < measured.wall_s + 1
