"""Against the code of others on the same input: silero's own detector, the aligner's own words."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from qasr_cli.options import VadOptions
from qasr_cli.speech.audio.vad import SpeechDetector
from qasr_cli.speech.text import aligner_tokens
from tests.e2e.conftest import SAMPLES

TEXTS = (
    "Hello, world!",
    "3.5% of don't and ‘so’",
    "e-mail ₩43,000",
    "हिन्दी Привет! ¿Qué?",
    "我们ok吗？ mixed 日本語 text",
    "...",
    "a  b\tc\u3000d",
)


def test_voice_activity_is_what_silero_s_own_code_says() -> None:
    from silero_vad.sequence_vad import SileroVADSequence

    names = ("clip-06.wav", "clip-03.flac")
    clips = [soundfile.read(SAMPLES / "clips" / name, dtype="int16")[0] for name in names]
    quiet = np.zeros(32_000, dtype=np.int16)
    talk = np.concatenate([quiet, clips[0], quiet, clips[1], quiet])
    folder = Path(sys.modules["silero_vad"].__file__ or "").parent
    theirs = SileroVADSequence(str(folder / "data" / "silero_vad_16k_sequence.onnx"))
    probs = theirs.audio_forward(talk.astype(np.float32) / 32768)
    detector = SpeechDetector(VadOptions())
    detector.feed(talk)
    # Sums in another order: both differ from double precision by as much.
    np.testing.assert_allclose(detector.finish().probs, probs, atol=3e-5)


@pytest.mark.parametrize("text", TEXTS)
def test_units_are_the_model_s_own(text: str) -> None:
    from transformers.models.qwen3_asr.processing_qwen3_asr import Qwen3ASRProcessor

    theirs: list[str] = Qwen3ASRProcessor.split_words_for_alignment(None, text, "English")
    assert [unit.text for unit in aligner_tokens.tokenize(text, "en")] == theirs
