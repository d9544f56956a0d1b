"""The readers that are fuzzed, each with valid files to begin with.

Each target reads a file as a command would, and throws away what comes out. A reader may refuse a file with
any error of qasr but an internal one.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from qasr_cli.cli import settings_file
from qasr_cli.engines import layouts, weights
from qasr_cli.formats import registry
from qasr_cli.formats.readers import captions, script_reading, transcript_json
from qasr_cli.media import decode
from qasr_cli.options import CueOptions, MediaOptions, Options, OutputOptions
from qasr_cli.options.flag import walk
from qasr_cli.pipeline import finish
from qasr_cli.records import Chunk
from qasr_cli.runs.files.file_identity import Identity
from qasr_cli.runs.inputs import file_lists
from qasr_cli.runs.state import checkpoints, ledger
from qasr_cli.subtitles.qc import fix
from qasr_cli.tasks import caption_check, check_report
from qasr_cli.tasks.caption_check import CheckRules
from qasr_cli.tasks.check_report import FileReport
from tests.fuzz.seeds import SUBTITLES
from tests.media_factory import ffmpeg

GOLDEN = Path(__file__).parents[1] / "golden"
_SUBTITLE_NAMES = (
    *("a.srt", "a.vtt", "a.ass", "a.json", "a.smi", "a.sub", "a.ttml", "a.lrc", "a.sbv", "a.txt", "a.tsv"),
    *("a.ko.srt", "a"),
)
_MEDIA = Identity(5, 7, "ab")
_FLAGS = settings_file.known_keys(flag for flag in walk(Options) if flag.is_setting)


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes:
        name: Its folder in the corpus.
        file_names: Names under which its files are read, one after the other; the first one's suffix is that
            of a finding.
        seeds: Returns valid files; `tmp` is a folder for their making.
        read: Reads the file at a path.
        share: How many of a hundred inputs are for it.
    """

    name: str
    file_names: tuple[str, ...]
    seeds: Callable[[Path], Sequence[bytes]]
    read: Callable[[Path], object]
    share: int


def _goldens(*suffixes: str) -> list[bytes]:
    return [
        path.read_bytes()[:4_000].rpartition(b"\n")[0] + b"\n"
        for suffix in suffixes
        for path in sorted(GOLDEN.glob(f"*{suffix}"))
    ]


def _subtitle_seeds(tmp: Path) -> Sequence[bytes]:
    return [*SUBTITLES * 3, *_goldens(".srt", ".vtt", ".json", ".tsv")]


def _check(path: Path) -> None:
    file = captions.read(path.read_bytes(), path.name)
    result = caption_check.check(path, file, CheckRules(CueOptions(frame_rate=Fraction(25))))
    entry = FileReport(result, None, caption_check.compare(result, file))
    report = check_report.text(entry, None, is_all=True)
    report += check_report.csv_text(entry) + check_report.json_text([entry], "netflix-sdh")
    if set("\x00\x1b\r\u009b\u202e") & set(report):
        raise AssertionError("control characters reach the terminal")
    mended = fix.fix_captions(file.captions, result.limits, result.language, captions.grid_ms(file))
    if file.kind != "json":
        captions.write(file, mended).encode()


def _script_seeds(tmp: Path) -> Sequence[bytes]:
    return ["Hello there.\n\nYes, (laughs) 42!\n안녕하세요. 今日は。\n".encode(), *SUBTITLES]


def _script(path: Path) -> None:
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        return
    script_reading.parse_script(text)


def _transcript(path: Path) -> None:
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        return
    transcript = transcript_json.parse(text)
    finish.render(transcript, CueOptions(), OutputOptions(formats=registry.FILE_FORMATS))


def _settings_seeds(tmp: Path) -> Sequence[bytes]:
    return (
        b'# ours\nmodel = "0.6b"\nmax-lines = 2\nmax-cps = 17.5\noverwrite = true\nlanguage = "en"\n'
        b"include = [\"*.mp4\", '*.mkv']\ncontext = '''a\nb'''\n",
    )


def _settings(path: Path) -> None:
    settings_file.where(path, settings_file.read(path, _FLAGS))


_LEDGER = {
    "schema": "qasr.ledger.v1", "at": "2026-01-02T03:04:05.678+00:00", "file": "a.mp4", "status": "done",
    "media": {"size_bytes": 5, "mtime_ns": 7, "digest": "ab"}, "fingerprint": "f" * 16, "language": "en",
    "outputs": [{"path": "a.srt", "identity": {"size_bytes": 5, "mtime_ns": 7, "digest": "ab"}}],
    "audio_s": 1.5, "wall_s": 0.25, "warnings": ["b"], "reason": "c", "n_failures": 1, "exit_code": 65,
}  # fmt: skip


def _ledger_seeds(tmp: Path) -> Sequence[bytes]:
    line = json.dumps(_LEDGER).encode()
    return line + b"\n", line + b"\n" + line.replace(b"a.mp4", b"b.mp4") + b"\n" + line[:30]


def _ledger(path: Path) -> None:
    for entry in ledger.load(path.parent).entries.values():
        ledger.to_line(entry)


_CHUNKS = [Chunk(0, 0, 0, 1_000), Chunk(0, 1, 1_000, 2_000)]


def _checkpoint_seeds(tmp: Path) -> Sequence[bytes]:
    segment = {
        "start_ms": 0, "end_ms": 1_000, "language": "en", "text": "Hi", "flags": [],
        "words": [{"lead": "", "text": "Hi", "start_ms": 0, "end_ms": 500, "timing": "aligned"}],
    }  # fmt: skip
    chunk = {
        "chunk": 0, "span": [0, 1_000], "answer": ["Hi", "en", "complete", 3], "flags": [], "segment": segment
    }  # fmt: skip
    other = {**chunk, "chunk": 1, "span": [1_000, 2_000], "segment": None}
    return json.dumps([chunk]).encode() + b"\n" + json.dumps([other]).encode() + b"\n", json.dumps(
        [chunk]
    ).encode()


def _checkpoint(path: Path) -> None:
    begun = checkpoints.checkpoint(path.parent, "a.mp4", _MEDIA, "f")
    begun.path.parent.mkdir(exist_ok=True)
    begun.path.write_bytes(begun.head + b"\n" + path.read_bytes())
    begun.load(_CHUNKS)


def _list_seeds(tmp: Path) -> Sequence[bytes]:
    return b"a.mp4\n./b c.mp4\r\n~/d.mp4\n", "é.mp4\n".encode("utf-16")


def _list(path: Path) -> None:
    for is_null_separated in (False, True):
        file_lists.read(str(path), is_null_separated=is_null_separated)


_AUDIO = {
    "num_mel_bins": 128, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 64,
    "d_model": 32, "n_window": 50, "n_window_infer": 800, "output_dim": 48, "downsample_hidden_size": 8,
}  # fmt: skip
_TEXT = {
    "vocab_size": 4096, "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "rms_norm_eps": 1e-6,
    "max_position_embeddings": 65_536, "rope_theta": 1e6,
}  # fmt: skip


def _config_seeds(tmp: Path) -> Sequence[bytes]:
    thinker = {"audio_config": _AUDIO, "text_config": _TEXT, "audio_token_id": 5}
    native = {"model_type": "qwen3_asr", "architectures": ["Qwen3ASRForConditionalGeneration"], **thinker}
    original = {"model_type": "qwen3_asr", "thinker_config": thinker, "timestamp_segment_time": 80}
    return json.dumps(native).encode(), json.dumps(original, indent=1).encode()


def _config(path: Path) -> None:
    layouts.read(path.parent)


def _index_seeds(tmp: Path) -> Sequence[bytes]:
    return (json.dumps({"metadata": {"total_size": 8}, "weight_map": {"a": "model.safetensors"}}).encode(),)


def _weight_seeds(tmp: Path) -> Sequence[bytes]:
    header = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    return (struct.pack("<Q", len(header)) + header + bytes(8),)


def _weights(path: Path) -> None:
    weights.tensors(path.parent)


_MEDIA_NAMES = (
    "a.wav",
    "a.mp3",
    "a.flac",
    "a.ogg",
    "a.m4a",
    "a.mkv",
    "a.webm",
    "a.avi",
    "a.ts",
    "a.wma",
    "a.aiff",
)


def _media_seeds(tmp: Path) -> Sequence[bytes]:
    for name in _MEDIA_NAMES:
        ffmpeg("-f", "lavfi", "-i", "sine=d=0.4:r=16000", tmp / name)
    return [(tmp / name).read_bytes() for name in _MEDIA_NAMES]


def _media(path: Path) -> None:
    with decode.open_audio(path, MediaOptions(max_hours=0.1)) as audio:
        for _ in audio:
            pass


TARGETS = (
    Target("subtitles", _SUBTITLE_NAMES, _subtitle_seeds, _check, 34),
    Target("script", ("a.txt",), _script_seeds, _script, 10),
    Target("transcript", ("a.json",), lambda _: _goldens(".json") or [], _transcript, 10),
    Target("settings", ("qasr.toml",), _settings_seeds, _settings, 10),
    Target("ledger", ("ledger.jsonl",), _ledger_seeds, _ledger, 10),
    Target("checkpoint", ("a.jsonl",), _checkpoint_seeds, _checkpoint, 8),
    Target("list", ("a.txt",), _list_seeds, _list, 3),
    Target("config", ("config.json",), _config_seeds, _config, 6),
    Target("index", ("model.safetensors.index.json",), _index_seeds, _weights, 3),
    Target("weights", ("model.safetensors",), _weight_seeds, _weights, 4),
    Target("media", _MEDIA_NAMES, _media_seeds, _media, 2),
)  # fmt: skip
