"""The figures of a pair, through transformers' official path: ``python -m tools.demo_model evaluate``.

In: a folder with ``asr`` and ``aligner``. Out: Markdown tables on standard output.
"dev" is for choosing; "test" is for one look at the end.
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

from tools.demo_model import clips as held_out
from tools.demo_model.clips import HeldOut
from tools.demo_model.scoring import bare, errors_by_word, percent

_GROUPS_S = ((0, 3), (3, 6), (6, 12), (12, 20.5))
_CUTS_MS = (8_000, 12_000, 16_000, 20_000)


@dataclass(frozen=True)
class Pair:
    """A loaded pair."""

    asr: PreTrainedModel
    asr_processor: ProcessorMixin
    aligner: PreTrainedModel
    aligner_processor: ProcessorMixin

    @classmethod
    def load(cls, folder: Path) -> Pair:
        """Load with ``from_pretrained``, computing in float32."""
        asr, aligner = folder / "asr", folder / "aligner"
        return cls(
            AutoModelForMultimodalLM.from_pretrained(asr, dtype=torch.float32).eval(),
            AutoProcessor.from_pretrained(asr),
            AutoModelForTokenClassification.from_pretrained(aligner, dtype=torch.float32).eval(),
            AutoProcessor.from_pretrained(aligner),
        )

    @torch.inference_mode()
    def recognise(self, sounds: list[np.ndarray], batch: int, **request: str) -> list[str]:
        """Texts of sounds; ``request`` may hold ``language`` and ``prompt``."""
        texts: list[str] = []
        for begin in range(0, len(sounds), batch):
            some = sounds[begin : begin + batch]
            inputs = self.asr_processor.apply_transcription_request(audio=some, **request)
            longest_s = max(map(len, some)) / 16_000
            ids = self.asr.generate(**inputs, max_new_tokens=int(24 + 10 * longest_s), do_sample=False)
            new = ids[:, inputs["input_ids"].shape[1] :]
            texts += self.asr_processor.decode(new, return_format="transcription_only")
        return texts

    @torch.inference_mode()
    def align(self, clips: list[HeldOut], batch: int) -> list[np.ndarray]:
        """Word times of the clips' true texts, each float[n_words, 2] in ms."""
        times = []
        for begin in range(0, len(clips), batch):
            some = clips[begin : begin + batch]
            inputs, words = self.aligner_processor.prepare_forced_aligner_inputs(
                audio=[clip.samples for clip in some],
                transcript=[clip.text for clip in some],
                language="English",
            )
            logits = self.aligner(**inputs).logits
            found = self.aligner_processor.decode_forced_alignment(
                logits, inputs["input_ids"], words, self.aligner.config.timestamp_token_id
            )
            times += [np.array([(w["start_time"], w["end_time"]) for w in one]) * 1000 for one in found]
        return times


def _word_errors(clips: list[HeldOut], texts: list[str]) -> list[np.ndarray]:
    return [errors_by_word(bare(clip.text), bare(text)) for clip, text in zip(clips, texts, strict=True)]


def _time_errors(clips: list[HeldOut], times: list[np.ndarray]) -> list[np.ndarray]:
    truth = [np.array([(word.start_ms, word.end_ms) for word in clip.words]) for clip in clips]
    return [np.abs(found - true) for found, true in zip(times, truth, strict=True)]


def _by_length(clips: list[HeldOut], values: list[np.ndarray]) -> list[np.ndarray]:
    return [
        np.concatenate(
            [v.reshape(-1) for c, v in zip(clips, values, strict=True) if low < c.duration_s <= high]
        )
        for low, high in _GROUPS_S
    ]


def _print_words(name: str, clips: list[HeldOut], texts: list[str]) -> None:
    errors = _word_errors(clips, texts)
    flat = np.concatenate(errors)
    is_salad = np.concatenate([clip.is_salad for clip in clips])
    exact = np.mean([clip.text == text for clip, text in zip(clips, texts, strict=True)])
    groups = " | ".join(percent(group) for group in _by_length(clips, errors))
    print(
        f"| {name} | {percent(flat)} | {percent(flat, ~is_salad)} | {percent(flat, is_salad)} | {groups} "
        f"| {100 * exact:.0f} % |"
    )


def _print_times(name: str, clips: list[HeldOut], times: list[np.ndarray]) -> None:
    errors = _time_errors(clips, times)
    flat = np.concatenate([e.reshape(-1) for e in errors])
    both = np.concatenate(errors)
    groups = " | ".join(f"{group.mean():.0f}" for group in _by_length(clips, errors))
    print(
        f"| {name} | {flat.mean():.0f} | {both[:, 0].mean():.0f} / {both[:, 1].mean():.0f} "
        f"| {np.median(flat):.0f} | {np.percentile(flat, 95):.0f} | {100 * (flat <= 100).mean():.0f} % "
        f"| {groups} |"
    )


def _print_recordings(pair: Pair, part: str, batch: int) -> None:
    print("\n| long recordings cut at pauses | ≤ 8 s | ≤ 12 s | ≤ 16 s | ≤ 20 s |\n|---|---|---|---|---|")
    whole = held_out.recordings(part, 6)
    rows: dict[str, list[str]] = {"WER": [], "time error, ms": []}
    for longest_ms in _CUTS_MS:
        pieces = [piece for recording in whole for piece in held_out.cut(recording, longest_ms)]
        texts = pair.recognise([piece.samples for piece in pieces], batch)
        rows["WER"].append(percent(np.concatenate(_word_errors(pieces, texts))))
        times = _time_errors(pieces, pair.align(pieces, batch))
        rows["time error, ms"].append(f"{np.concatenate(times).mean():.0f}")
    for name, cells in rows.items():
        print(f"| {name} | {' | '.join(cells)} |")


def evaluate(folder: Path, part: str, n_clips: int, batch: int) -> None:
    """Print all tables of the pair in ``folder``."""
    pair = Pair.load(folder)
    sets = {voices: held_out.held_out_clips(part, voices, n_clips) for voices in held_out.VOICES}
    print(f"{part} sentences, {n_clips} clips of 1 to 20 s a row, batches of {batch}\n")
    print(
        "| WER | all | grammar | salads | ≤ 3 s | 3-6 s | 6-12 s | 12-20 s | exact |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    for voices, clips in sets.items():
        sounds = [clip.samples for clip in clips]
        _print_words(f"{voices} voices", clips, pair.recognise(sounds, batch))
        if voices == "training":
            _print_words("… one at a time", clips, pair.recognise(sounds, 1))
            _print_words("… language given", clips, pair.recognise(sounds, batch, language="English"))
            _print_words(
                "… with a context", clips, pair.recognise(sounds, batch, prompt="Helen, harbour, seventy")
            )
    print(
        "\n| time error, ms | mean | start / end | median | 95th | ≤ 100 ms "
        "| ≤ 3 s | 3-6 s | 6-12 s | 12-20 s |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for voices, clips in sets.items():
        _print_times(f"{voices} voices", clips, pair.align(clips, batch))
    _print_recordings(pair, part, batch)
    probes = held_out.speechless(part)
    for name, request in (("", {}), (", language given", {"language": "English"})):
        texts = pair.recognise([sound for _, sound in probes], batch, **request)
        wrong = sorted({kind for (kind, _), text in zip(probes, texts, strict=True) if text.strip()})
        n_wrong = sum(bool(text.strip()) for text in texts)
        print(
            f"\nSpeechless probes{name}: nothing written on {len(texts) - n_wrong} of {len(texts)}. "
            f"{wrong or ''}"
        )
