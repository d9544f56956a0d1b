"""Chunks with different options in one batch, and a batch that pauses for another: the same answers."""

from __future__ import annotations

import numpy as np
import pytest

from qasr_cli import engines
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.records import Finish, Hypothesis
from qasr_cli.speech.inference import preemption
from qasr_cli.speech.inference.protocols import AlignRequest, MixingRecognizer, recognize_each
from qasr_cli.speech.inference.session import Session
from tests import demo_pair

OPTIONS = (
    DecodeOptions(),
    DecodeOptions(language="ko"),
    DecodeOptions(context="Helen, lantern, harbour"),
    DecodeOptions(languages=("de", "ko")),
    DecodeOptions(repetition_penalty=1.1),
    DecodeOptions(max_tokens=4),
    DecodeOptions(language="en", context="Helen"),
)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    talk = demo_pair.talk(tmp_path_factory.mktemp("talk"))
    return [
        talk[begin : begin + 48_000 + 4_000 * number]
        for number, begin in enumerate(range(0, 14 * 80_000, 80_000))
    ]


@pytest.fixture(scope="module", params=["qwen3", "qwen3-generate"])
def session(request: pytest.FixtureRequest) -> Session:
    return engines.load(EngineOptions(model="demo", aligner="none", engine=request.param))


def test_each_chunk_has_its_own_options(session: Session, clips: list[np.ndarray]) -> None:
    recognizer = session.recognizer
    assert isinstance(recognizer, MixingRecognizer)
    asked = [OPTIONS[number % len(OPTIONS)] for number in range(len(clips))]
    mixed = recognize_each(recognizer, list(zip(clips, asked, strict=True)))
    alone = [recognizer.recognize([clip], options)[0] for clip, options in zip(clips, asked, strict=True)]
    assert mixed == alone
    assert mixed[1].language == "Korean"
    assert mixed[3].language in {"German", "Korean"}
    assert (mixed[5].finish, mixed[5].n_tokens) == (Finish.TRUNCATED, mixed[5].n_tokens)
    assert mixed[5].n_tokens <= 4
    assert len({hypothesis.text for hypothesis in mixed}) > 10


def test_a_batch_that_pauses_writes_the_same(clips: list[np.ndarray]) -> None:
    recognizer = engines.load(EngineOptions(model="demo", aligner="none")).recognizer
    whole = recognizer.recognize(clips, DecodeOptions())
    between: list[list[Hypothesis]] = []

    def work() -> None:
        if len(between) < 20:
            between.append(recognizer.recognize([clips[3][:32_000]], DecodeOptions(language="en")))

    with preemption.allowed(work):
        paused = recognizer.recognize(clips, DecodeOptions())
    assert paused == whole
    assert len(between) == 20
    assert all(one == between[0] for one in between)


def test_the_aligner_pauses_between_two_clips(clips: list[np.ndarray]) -> None:
    session = engines.load(EngineOptions(model="demo"))
    aligner = session.aligner
    assert aligner is not None
    requests = [AlignRequest(clip, ("good", "morning"), "English") for clip in clips[:4]]
    whole = aligner.align(requests)
    n_pauses = []
    with preemption.allowed(
        lambda: n_pauses.append(session.recognizer.recognize([clips[0]], DecodeOptions()))
    ):
        paused = aligner.align(requests)
    assert len(n_pauses) == len(requests)
    for one, other in zip(whole, paused, strict=True):
        np.testing.assert_array_equal(one.log_probs, other.log_probs)
