"""Small made-up corpora in the layouts of the real ones, with the utterances that they hold.

The layouts are those of the corpora's own documentation and of the recipes of Kaldi and Lhotse; the expected
utterances are written by hand.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qasr_cli.evaluation.utterances import AudioPart, Encoding, Utterance
from qasr_cli.records import Span

Files = Mapping[str, str]


def write(root: Path, files: Files) -> Path:
    """Write files below a folder; those named `.gz` are packed."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = text.encode()
        path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return root


def lines(*rows: Mapping[str, object]) -> str:
    """Return JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus: its layout, its files, what is opened, and its utterances with paths below the root."""

    layout: str
    files: Files
    utterances: tuple[Utterance, ...]
    opened: str = "."
    parts: tuple[str, ...] | None = None


def said(
    id_: str, set_name: str, path: str, text: str, span: tuple[int, int] | None = None, **more: object
) -> Utterance:
    audio = AudioPart(
        Path(path),
        Span(*span) if span else None,
        channel=more.pop("channel", None),  # type: ignore[arg-type]
        encoding=more.pop("encoding", Encoding.MEDIA),  # type: ignore[arg-type]
    )
    if span:
        more.setdefault("duration_ms", span[1] - span[0])
    return Utterance(id_, set_name, audio, text, **more)  # type: ignore[arg-type]


_LIBRI = "LibriSpeech/test-clean/61/70968/61-70968"
_GIGA = {
    "dataset": "GigaSpeech",
    "language": "EN",
    "audios": [
        {
            "title": "N/A",
            "path": "audio/youtube/P0000/YOU0000000315.opus",
            "aid": "YOU0000000315",
            "source": "youtube",
            "category": "Education",
            "subsets": ["{TEST}"],
            "segments": [
                {
                    "sid": "YOU0000000315_S0000660",
                    "speaker": "N/A",
                    "begin_time": 5941.18,
                    "end_time": 5944.74,
                    "text_tn": "AS THEY'RE LEAVING <COMMA> CAN KASH PULL ZAHRA ASIDE <QUESTIONMARK>",
                    "subsets": ["{TEST}"],
                },
                {
                    "sid": "YOU0000000315_S0000661",
                    "speaker": "N/A",
                    "begin_time": 5945.0,
                    "end_time": 5946.0,
                    "text_tn": "<MUSIC>",
                    "subsets": ["{TEST}"],
                },
            ],
        },
        {
            "path": "audio/podcast/P0001/POD0000000001.opus",
            "aid": "POD0000000001",
            "source": "podcast",
            "subsets": ["{XL}"],
            "segments": [
                {
                    "sid": "POD0000000001_S0000000",
                    "speaker": "N/A",
                    "begin_time": 0.0,
                    "end_time": 2.0,
                    "text_tn": "HELLO",
                    "subsets": ["{XL}"],
                }
            ],
        },
    ],
}
_WENET = {
    "audios": [
        {
            "aid": "Y0000000000_-KTKHdZ2fb8",
            "path": "audio/train/youtube/B00000/Y0000000000_-KTKHdZ2fb8.opus",
            "duration": 20.0,
            "segments": [
                {
                    "sid": "Y0000000000_-KTKHdZ2fb8_S00000",
                    "begin_time": 0.5,
                    "end_time": 2.25,
                    "text": "今天天气不错",
                    "subsets": ["TEST_NET"],
                }
            ],
        }
    ]
}
_COMMON_VOICE_HEAD = (
    "client_id\tpath\tsentence_id\tsentence\tup_votes\tdown_votes\tage\tgender\taccents\tlocale"
)

SPEECH: tuple[Corpus, ...] = (
    Corpus(
        "librispeech",
        {
            f"{_LIBRI}.trans.txt": "61-70968-0000 HE BEGAN A CONFUSED COMPLAINT\n61-70968-0001 \n",
            "LibriSpeech/dev-clean/84/121123/84-121123.trans.txt": "84-121123-0000 GO\n",
            "LibriSpeech/SPEAKERS.TXT": "; 61 | M | test-clean\n",
        },
        (
            said(
                *("61-70968-0000", "librispeech test-clean", f"{_LIBRI}-0000.flac"),
                *("HE BEGAN A CONFUSED COMPLAINT",),
                language="en",
                speaker="61",
            ),
            said(
                *("61-70968-0001", "librispeech test-clean", f"{_LIBRI}-0001.flac", ""),
                language="en",
                speaker="61",
            ),
        ),
        parts=("test-clean en",),
    ),
    Corpus(
        "mls",
        {
            "mls_polish/test/transcripts.txt": "6892_10049_000000\tktoś zapukał do drzwi\n",
            "mls_polish/test/audio/6892/10049/6892_10049_000000.opus": "",
        },
        (
            said(
                *("6892_10049_000000", "mls pl test"),
                *("mls_polish/test/audio/6892/10049/6892_10049_000000.opus", "ktoś zapukał do drzwi"),
                language="pl",
                speaker="6892",
            ),
        ),
    ),
    Corpus(
        "aishell",
        {
            "data_aishell/transcript/aishell_transcript_v0.8.txt": "BAC009S0764W0121 甚至 出现 交易\n",
            "data_aishell/wav/test/S0764/BAC009S0764W0121.wav": "",
            "data_aishell/wav/test/S0764/BAC009S0764W0122.wav": "",  # no text: left out
        },
        (
            said(
                *("BAC009S0764W0121", "aishell-1 test"),
                *("data_aishell/wav/test/S0764/BAC009S0764W0121.wav", "甚至出现交易"),
                language="zh",
                speaker="S0764",
            ),
        ),
    ),
    Corpus(
        "gigaspeech",
        {"GigaSpeech.json": json.dumps(_GIGA, indent=1)},
        (
            said(
                *("YOU0000000315_S0000660", "gigaspeech TEST", "audio/youtube/P0000/YOU0000000315.opus"),
                *("AS THEY'RE LEAVING CAN KASH PULL ZAHRA ASIDE",),
                span=(5941180, 5944740),
                language="en",
                recording="YOU0000000315",
                labels={"source": "youtube", "category": "Education"},
            ),
        ),
    ),
    Corpus(
        "wenetspeech",
        {"WenetSpeech.json": json.dumps(_WENET, ensure_ascii=False)},
        (
            said(
                *("Y0000000000_-KTKHdZ2fb8_S00000", "wenetspeech TEST_NET"),
                *("audio/train/youtube/B00000/Y0000000000_-KTKHdZ2fb8.opus", "今天天气不错"),
                span=(500, 2250),
                language="zh",
                recording="Y0000000000_-KTKHdZ2fb8",
            ),
        ),
    ),
    Corpus(
        "common-voice",
        {
            "cv/de/test.tsv": f"{_COMMON_VOICE_HEAD}\n"
            'c1\tcommon_voice_de_17.mp3\ts1\tEr sagte: "Nein".\t2\t0\ttwenties\tfemale_feminine\t\tde\n',
            "cv/de/train.tsv": f"{_COMMON_VOICE_HEAD}\n",
            "cv/zh-HK/test.tsv": f"{_COMMON_VOICE_HEAD}\nc2\tcommon_voice_zh-HK_1.mp3\ts2\t唔該\t2\t0\n",
        },
        (
            said(
                *("common_voice_de_17", "common voice de test", "cv/de/clips/common_voice_de_17.mp3"),
                *('Er sagte: "Nein".',),
                language="de",
                speaker="c1",
                labels={"gender": "female_feminine", "age": "twenties", "locale": "de"},
            ),
            said(
                *("common_voice_zh-HK_1", "common voice yue test"),
                *("cv/zh-HK/clips/common_voice_zh-HK_1.mp3", "唔該"),
                language="yue",
                speaker="c2",
            ),
        ),
        opened="cv",
    ),
    Corpus(
        "fleurs",
        {
            "yue_hant_hk/test.tsv": "1867\t100.wav\t佢話：「好」。\t佢話好\t佢 話 好\t48000\tFEMALE\n",
            "fil_ph/test.tsv": '9\t7.wav\tSabi "oo".\tsabi "oo"\ts a b i\t16008\tMALE\n',
        },
        (
            said(
                *("7", "fleurs fil test", "fil_ph/test/7.wav", 'sabi "oo"'),
                language="fil",
                duration_ms=1000,
                labels={"gender": "male"},
            ),
            said(
                *("100", "fleurs yue test", "yue_hant_hk/test/100.wav", "佢話好"),
                language="yue",
                duration_ms=3000,
                labels={"gender": "female"},
            ),
        ),
    ),
    Corpus(
        "voxpopuli",
        {
            "transcribed_data/de/asr_test.tsv": "id\traw_text\tnormalized_text\tspeaker_id\tsplit\tgender\n"
            "20120313-0900-PLENARY-9-de_20120313-15:00:07_7\tGuten Tag.\tguten tag\t96742\ttest\tfemale\n"
        },
        (
            said(
                *("20120313-0900-PLENARY-9-de_20120313-15:00:07_7", "voxpopuli de test"),
                "transcribed_data/de/2012/20120313-0900-PLENARY-9-de_20120313-15:00:07_7.ogg",
                "guten tag",
                language="de",
                speaker="96742",
                labels={"gender": "female"},
            ),
        ),
    ),
    Corpus(
        "voxpopuli",
        {
            "transcribed_data/de/asr_de.tsv.gz": "session_id|id_|original_text|normed_text|"
            "speaker_id|split|gender\n"
            '20120313-0900-PLENARY-9-de|15:00:07_7|"Er rief ""ja"" | nein"|er rief ja nein|5|test|male\n'
            "20120313-0900-PLENARY-9-de|15:00:09_8|Und|und|5|train|male\n"
        },
        (
            said(
                *("20120313-0900-PLENARY-9-de-15:00:07_7", "voxpopuli de test"),
                "transcribed_data/de/2012/20120313-0900-PLENARY-9-de-15:00:07_7.ogg",
                "er rief ja nein",
                language="de",
                speaker="5",
                labels={"gender": "male"},
            ),
        ),
    ),
    Corpus(
        "ksponspeech",
        {
            "KsponSpeech_scripts/eval_clean.trn": "KsponSpeech_eval/eval_clean/KsponSpeech_E00001.pcm :: "
            "b/ 아/ 모+ 몬 소리야 (70%)/(칠 십 퍼센트) 확률이라니* n/\n",
            "KsponSpeech_eval/eval_clean/KsponSpeech_E00001.pcm": "",
        },
        (
            said(
                *("KsponSpeech_E00001", "ksponspeech eval_clean"),
                *("KsponSpeech_eval/eval_clean/KsponSpeech_E00001.pcm",),
                *("아 모 몬 소리야 70% 확률이라니",),
                language="ko",
                encoding=Encoding.PCM_16K,
                labels={"spelling": "written"},
            ),
        ),
    ),
)

# A transcript as `qasr transcribe --json` writes it.
QASR = (
    '{"schema": "qasr.v1", "source": "talk.mp4", "track": {"stream_index": 0, "codec": "", "channels": 1, '
    '"sample_rate_hz": 16000, "start_ms": 0, "duration_ms": null, "language": null}, "duration_ms": 2000, '
    '"fingerprint": "0", "model": "m", "aligner": "", "segments": [{"start_ms": 0, "end_ms": 2000, '
    '"language": "en", "text": "Hello there.", "flags": ["loop"], "words": ['
    '{"lead": "", "text": "Hello", "start_ms": 0, "end_ms": 500, "timing": "aligned", "confidence": 0.5}, '
    '{"lead": " ", "text": "there.", "start_ms": 500, "end_ms": 900, "timing": "aligned", "confidence": null}'
    '], "speaker": null}], "cues": []}'
)
