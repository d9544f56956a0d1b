"""The sample media with true word times: ``python -m tools.demo_model samples``.

In: the hand-written texts of :mod:`tools.demo_model.texts.talks` and fixed voices. Out: ``talk.mp4``, ten
short clips in five formats, ``two-tracks.mkv``, ``three-languages.ogg``, and a ``.truth.json`` beside each.
Same code, same bytes. Word times come from the synthesiser's events, in integer milliseconds from container
time 0. (MP3 alone has no clean zero: players count its first sample as 25 to 45 ms in; its truth counts from
the first sample.)
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tools.demo_model.synth import SAMPLE_RATE_HZ, Unit, speak
from tools.demo_model.texts import talks
from tools.demo_model.texts.language import sentences_of
from tools.demo_model.voices import Voice

_PER_MS = SAMPLE_RATE_HZ // 1000
_WIDTH, _HEIGHT, _FRAMES_PER_S = 640, 360, 5
_TRACK_DELAY_MS = 1500
_EXACT = ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1"]

TALK_VOICE = Voice("gmw/en-US", "f1", 160, 50, 55)
TRACK_VOICES = (Voice("gmw/en-GB-x-rp", "m3", 165, 45, 55), Voice("gmw/en", "Annie", 160, 50, 60))
# Voices without breath noise, which espeak-ng draws anew in every process. The last two are never trained on.
CLIP_VOICES = (
    Voice("gmw/en", "m1", 160), Voice("gmw/en-US", "belinda", 170), Voice("gmw/en-GB-x-rp", "m7", 165),
    Voice("gmw/en-029", "", 155), Voice("gmw/en-US", "Annie", 150), Voice("gmw/en-GB-scotland", "m4"),
    Voice("gmw/en-US-nyc", "linda", 160), Voice("gmw/en", "edward", 160),
    Voice("gmw/en-US", "m5", 160), Voice("gmw/en", "f4", 160),
)  # fmt: skip
LANGUAGE_VOICES = {
    "en": Voice("gmw/en-US", "f1", 160, 50, 55), "es": Voice("roa/es", "m3", 160),
    "ko": Voice("ko", "f2", 160),
}  # fmt: skip
CLIP_SUFFIXES = (".wav", ".mp3", ".flac", ".ogg", ".m4a") * 2
_CODECS = {
    ".wav": ["-c:a", "pcm_s16le"],
    ".mp3": ["-c:a", "libmp3lame", "-b:a", "64k", "-ar", "44100"],
    ".flac": ["-c:a", "flac"],
    ".ogg": ["-c:a", "libopus", "-b:a", "32k", "-ar", "48000"],
    ".m4a": ["-c:a", "aac", "-b:a", "64k", "-ar", "44100"],
}


@dataclass(frozen=True)
class Pauses:
    """Silences in milliseconds around and between what is said."""

    before: int = 600
    between_sentences: int = 450
    between_paragraphs: int = 1300
    after: int = 600


# Who answers in another language waits a moment; a shorter pause would put both into one chunk.
TURNS = Pauses(between_paragraphs=2600)


@dataclass(frozen=True)
class Turn:
    """One paragraph: what is said, by whom, in which language (a code)."""

    text: str
    voice: Voice
    language: str = "en"


@dataclass(frozen=True)
class Recording:
    """``samples`` float32[n] at 16 kHz, its words in milliseconds from sample 0, and each word's language."""

    samples: np.ndarray
    words: tuple[Unit, ...]
    languages: tuple[str, ...]

    def truth(self, offset_ms: int = 0) -> dict[str, Any]:
        """The truth file's entry; every time moved by ``offset_ms``, words marked where languages change."""
        kinds = sorted(set(self.languages))
        words = [
            {
                "text": word.text,
                "start_ms": round(word.start_ms) + offset_ms,
                "end_ms": round(word.end_ms) + offset_ms,
                **({"language": language} if len(kinds) > 1 else {}),
            }
            for word, language in zip(self.words, self.languages, strict=True)
        ]
        return {"language": ",".join(kinds), "text": " ".join(w.text for w in self.words), "words": words}


def record(turns: list[Turn], pauses: Pauses | None = None) -> Recording:
    """Speak paragraphs sentence by sentence, with pauses between."""
    pauses = pauses or Pauses()
    pieces = [np.zeros(pauses.before * _PER_MS, np.float32)]
    words: list[Unit] = []
    languages: list[str] = []
    for turn in turns:
        for sentence in sentences_of(turn.text):
            said = speak(sentence, turn.voice)
            at_ms = sum(map(len, pieces)) / _PER_MS
            words += [Unit(w.text, w.start_ms + at_ms, w.end_ms + at_ms) for w in said.words]
            languages += [turn.language] * len(said.words)
            pieces += [said.samples, np.zeros(pauses.between_sentences * _PER_MS, np.float32)]
        pieces.append(np.zeros((pauses.between_paragraphs - pauses.between_sentences) * _PER_MS, np.float32))
    spoken = np.concatenate(pieces)[: round(words[-1].end_ms) * _PER_MS]
    tail = np.zeros(pauses.after * _PER_MS, np.float32)
    return Recording(np.concatenate([spoken, tail]), tuple(words), tuple(languages))


def in_turn() -> list[Turn]:
    """Paragraphs in which three languages take turns."""
    return [
        Turn(text, LANGUAGE_VOICES[code], code)
        for texts in zip(talks.TALK, talks.SPANISH, talks.KOREAN, strict=False)
        for code, text in zip(LANGUAGE_VOICES, texts, strict=True)
    ]


def _ffmpeg(arguments: list[str], stdin: bytes) -> None:
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y", *arguments]
    subprocess.run(command, input=stdin, check=True)


def _pcm(samples: np.ndarray) -> bytes:
    return (np.clip(samples, -1, 1) * 32767).round().astype("<i2").tobytes()


def _raw_input(path: str) -> list[str]:
    return ["-f", "s16le", "-ar", str(SAMPLE_RATE_HZ), "-ac", "1", "-i", path]


def _frame(at_s: float, total_s: float) -> np.ndarray:
    """One picture, uint8[height, width, 3]: calm ground, a sun on a slow arc, a line that grows with time."""
    share = at_s / total_s
    y, x = np.mgrid[0:_HEIGHT, 0:_WIDTH]
    ground = np.array([24, 44, 72]) + (y / _HEIGHT)[..., None] * np.array([30, 34, 26])
    sun_x, sun_y = _WIDTH * (0.1 + 0.8 * share), _HEIGHT * (0.75 - 0.5 * np.sin(np.pi * share))
    is_sun = (x - sun_x) ** 2 + (y - sun_y) ** 2 < 34**2
    is_line = (y > _HEIGHT - 14) & (x < _WIDTH * share)
    ground[is_sun] = (244, 190, 92)
    ground[is_line] = (222, 228, 236)
    return ground.astype(np.uint8)


def _picture(path: Path, duration_s: float) -> None:
    """Write a silent H.264 picture track (MP4) of the given length."""
    n_frames = int(np.ceil(duration_s * _FRAMES_PER_S))
    frames = b"".join(_frame(i / _FRAMES_PER_S, duration_s).tobytes() for i in range(n_frames))
    _ffmpeg(
        ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{_WIDTH}x{_HEIGHT}", "-r", str(_FRAMES_PER_S),
         "-i", "-", "-c:v", "libx264", "-preset", "slow", "-crf", "30", "-pix_fmt", "yuv420p",
         "-threads", "1", "-g", "50", "-bf", "0",
         *_EXACT, str(path)],
        frames,
    )  # fmt: skip


def _write_truth(path: Path, truth: dict[str, Any]) -> None:
    path.write_text(json.dumps(truth, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _make_talk(out: Path) -> None:
    talk = record([Turn(text, TALK_VOICE) for text in talks.TALK], Pauses(before=1000, after=1500))
    silent = out / "talk.silent.mp4"
    _picture(silent, len(talk.samples) / SAMPLE_RATE_HZ)
    _ffmpeg(
        ["-i", str(silent), *_raw_input("-"), "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac",
         "-b:a", "64k", "-ar", "44100", "-metadata:s:a", "language=eng", "-movflags", "+faststart", *_EXACT,
         str(out / "talk.mp4")],
        _pcm(talk.samples),
    )  # fmt: skip
    silent.unlink()
    _write_truth(out / "talk.truth.json", talk.truth())


def _make_clips(out: Path) -> None:
    folder = out / "clips"
    folder.mkdir(exist_ok=True)
    truth = {}
    for number, (text, voice, suffix) in enumerate(
        zip(talks.CLIPS, CLIP_VOICES, CLIP_SUFFIXES, strict=True), 1
    ):
        clip = record([Turn(text, voice)], Pauses(before=200 + 40 * number, after=300))
        name = f"clip-{number:02d}{suffix}"
        _ffmpeg([*_raw_input("-"), *_CODECS[suffix], *_EXACT, str(folder / name)], _pcm(clip.samples))
        truth[name] = clip.truth()
    _write_truth(out / "clips.truth.json", truth)


def _make_two_tracks(out: Path) -> None:
    texts = (talks.MAIN_TRACK, talks.COMMENTARY_TRACK)
    tracks = [record([Turn(text, voice)]) for text, voice in zip(texts, TRACK_VOICES, strict=True)]
    silent = out / "two-tracks.silent.mp4"
    _picture(silent, max(len(track.samples) for track in tracks) / SAMPLE_RATE_HZ + _TRACK_DELAY_MS / 1000)
    inputs = ["-i", str(silent)]
    # FLAC has no encoder delay; copied with an offset, both tracks start at exactly the delay.
    lossless = [out / f"two-tracks.{number}.flac" for number in range(len(tracks))]
    for path, track in zip(lossless, tracks, strict=True):
        _ffmpeg([*_raw_input("-"), "-c:a", "flac", *_EXACT, str(path)], _pcm(track.samples))
        inputs += ["-itsoffset", str(_TRACK_DELAY_MS / 1000), "-i", str(path)]
    _ffmpeg(
        [*inputs, "-map", "0:v", "-map", "1:a", "-map", "2:a", "-c", "copy", *_EXACT,
         "-metadata:s:a", "language=eng",
         "-metadata:s:a:0", "title=Main", "-metadata:s:a:1", "title=Commentary",
         "-disposition:a:0", "default", "-disposition:a:1", "0", str(out / "two-tracks.mkv")],
        b"",
    )  # fmt: skip
    for path in [silent, *lossless]:
        path.unlink()
    truth = [track.truth(_TRACK_DELAY_MS) for track in tracks]
    _write_truth(out / "two-tracks.truth.json", {"tracks": truth})


def _make_languages(out: Path) -> None:
    whole = record(in_turn(), TURNS)
    _ffmpeg(
        [*_raw_input("-"), *_CODECS[".ogg"], *_EXACT, str(out / "three-languages.ogg")], _pcm(whole.samples)
    )
    _write_truth(out / "three-languages.truth.json", whole.truth())


def make_samples(out: Path) -> None:
    """Write all sample media and their truth files into ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    _make_talk(out)
    _make_clips(out)
    _make_two_tracks(out)
    _make_languages(out)
    print(f"samples written to {out}")
