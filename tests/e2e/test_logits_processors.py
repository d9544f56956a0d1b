"""What changes the model's choice of tokens: allowed languages and the penalty, also on the demo pair."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch
from transformers import RepetitionPenaltyLogitsProcessor

from qasr_cli.engines import load
from qasr_cli.engines.qwen3.decoding.logits_processors import AllowedTags, RepetitionPenalty
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.speech.inference.protocols import Recognizer
from tests.e2e.conftest import SAMPLES

TAGS = [[1, 2, 9], [1, 3, 4, 9], [1, 5, 9]]


def allowed(*written: int) -> list[int]:
    """Return the tokens that may follow what is written of an answer."""
    scores = torch.zeros(1, 12)
    kept = AllowedTags(TAGS)([list(written)], scores)
    assert not scores.any()  # what came in is as it was
    return torch.isfinite(kept[0]).nonzero().flatten().tolist()


def test_a_tag_is_kept_to_those_that_are_allowed() -> None:
    assert allowed() == [1]
    assert allowed(1) == [2, 3, 5]
    assert allowed(1, 3) == [4]
    assert allowed(1, 3, 4) == [9]


@pytest.mark.parametrize("written", [(1, 2, 9), (1, 3, 4, 9), (1, 2, 9, 1), (1, 2, 9, 1, 3)])
def test_after_the_tag_everything_may_follow(written: tuple[int, ...]) -> None:
    assert allowed(*written) == list(range(12))


def test_each_row_of_a_batch_is_at_its_own_place() -> None:
    kept = AllowedTags(TAGS)([[1, 2, 9], [1, 3, 4]], torch.zeros(2, 12))
    assert torch.isfinite(kept[0]).all()
    assert torch.isfinite(kept[1]).nonzero().flatten().tolist() == [9]


def test_a_penalty_is_transformers_own() -> None:
    """Rows of one length, since theirs takes no others."""
    scores, written = (
        torch.randn(3, 50, generator=torch.Generator().manual_seed(1)),
        [[4, 4, 9], [1, 2, 3], [7] * 3],
    )
    theirs = RepetitionPenaltyLogitsProcessor(1.3)(torch.tensor(written), scores)
    assert torch.equal(RepetitionPenalty(1.3)(written, scores), theirs)
    assert torch.equal(RepetitionPenalty(1.3)([[], [], []], scores), scores)


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return load(EngineOptions(model="demo", device="cpu", aligner="none")).recognizer


@pytest.fixture(scope="module")
def audio() -> list[np.ndarray]:
    return [soundfile.read(SAMPLES / "clips" / f"clip-0{n}", dtype="float32")[0] for n in ("1.wav", "6.wav")]


def test_the_model_keeps_to_the_allowed_languages(recognizer: Recognizer, audio: list[np.ndarray]) -> None:
    free = recognizer.recognize(audio, DecodeOptions())
    assert [answer.language for answer in free] == ["English", "English"]
    assert recognizer.recognize(audio, DecodeOptions(languages=("ko", "en"))) == free
    other = recognizer.recognize(audio, DecodeOptions(languages=("ko", "ja")))
    assert {answer.language for answer in other} <= {"Korean", "Japanese", None}


def test_a_penalty_counts_what_is_written_and_not_the_prompt(
    recognizer: Recognizer, audio: list[np.ndarray]
) -> None:
    def hear(context: str, penalty: float) -> list[str]:
        options = DecodeOptions(language="en", context=context, repetition_penalty=penalty)
        return [answer.text for answer in recognizer.recognize(audio, options)]

    plain = hear("", 1.0)
    assert hear("", 50.0) != plain  # nothing can be said twice
    told = plain[0]  # were the prompt counted, none of these words could be said even once
    assert hear(told, 50.0)[0].split()[0] == hear(told, 1.0)[0].split()[0]
