"""A loaded pair, driven through transformers' own processors and ``generate``.

In: the folder with ``asr`` and ``aligner``; waveforms. Out: texts with languages, and word times.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import (
    AutoModelForMultimodalLM,
    AutoModelForTokenClassification,
    AutoProcessor,
    PreTrainedModel,
    ProcessorMixin,
)

from tools.demo_model.clips import HeldOut
from tools.demo_model.synth import SAMPLE_RATE_HZ

BATCH = 8


@dataclass(frozen=True)
class Heard:
    """What the recogniser wrote: a text, and the language's name or None."""

    text: str
    language: str | None


@dataclass(frozen=True)
class Pair:
    """Recogniser and aligner with their processors, computing in float32."""

    asr: PreTrainedModel
    asr_processor: ProcessorMixin
    aligner: PreTrainedModel
    aligner_processor: ProcessorMixin

    @classmethod
    def load(cls, folder: Path) -> Pair:
        """Load with ``from_pretrained``."""
        asr, aligner = folder / "asr", folder / "aligner"
        return cls(
            AutoModelForMultimodalLM.from_pretrained(asr, dtype=torch.float32).eval(),
            AutoProcessor.from_pretrained(asr),
            AutoModelForTokenClassification.from_pretrained(aligner, dtype=torch.float32).eval(),
            AutoProcessor.from_pretrained(aligner),
        )

    @torch.inference_mode()
    def recognise(self, sounds: list[np.ndarray], prompts: list[str] | None = None) -> list[Heard]:
        """Texts of sounds, float32 at 16 kHz, in batches of BATCH; ``prompts`` are contexts, one a sound."""
        heard: list[Heard] = []
        for begin in range(0, len(sounds), BATCH):
            some = sounds[begin : begin + BATCH]
            given = {"prompt": prompts[begin : begin + BATCH]} if prompts else {}
            inputs = self.asr_processor.apply_transcription_request(audio=some, **given)
            longest_s = max(map(len, some)) / SAMPLE_RATE_HZ
            ids = self.asr.generate(**inputs, max_new_tokens=int(24 + 12 * longest_s), do_sample=False)
            parsed = self.asr_processor.decode(ids[:, inputs["input_ids"].shape[1] :], return_format="parsed")
            heard += [Heard(one["transcription"], one["language"]) for one in parsed]
        return heard

    @torch.inference_mode()
    def align(self, clips: list[HeldOut]) -> list[np.ndarray]:
        """Word times of the clips' true texts, each float[n_words, 2] in ms."""
        times = []
        for begin in range(0, len(clips), BATCH):
            some = clips[begin : begin + BATCH]
            # Without a language the processor cuts words at blanks; for Korean it would want a tagger.
            inputs, words = self.aligner_processor.prepare_forced_aligner_inputs(
                audio=[clip.samples for clip in some], transcript=[clip.text for clip in some], language=None
            )
            logits = self.aligner(**inputs).logits
            found = self.aligner_processor.decode_forced_alignment(
                logits, inputs["input_ids"], words, self.aligner.config.timestamp_token_id
            )
            times += [np.array([(w["start_time"], w["end_time"]) for w in one]) * 1000 for one in found]
        return times
