"""Small made-up data folders and manifests of toolkits, with the utterances that they hold; see `corpora`."""

from __future__ import annotations

from tests.corpora import Corpus, lines, said

_RECORDING = {
    "id": "rec",
    "sources": [{"type": "file", "channels": [0, 1], "source": "audio/rec.wav"}],
    "sampling_rate": 16000,
    "duration": 30.0,
}
TOOLKITS: tuple[Corpus, ...] = (
    Corpus(
        "kaldi",
        {
            "AISHELL-2/iOS/test/wav.scp": "IT0011W0001\twav/T0011/IT0011W0001.wav\n",
            "AISHELL-2/iOS/test/trans.txt": "IT0011W0001\t换一首歌\n",
            "AISHELL-2/iOS/test/wav/T0011/IT0011W0001.wav": "",
        },
        (
            said(
                *("IT0011W0001", "aishell-2 test", "AISHELL-2/iOS/test/wav/T0011/IT0011W0001.wav"),
                *("换一首歌",),
                language="zh",
                speaker="T0011",
            ),
        ),
        opened="AISHELL-2",
    ),
    Corpus(
        "kaldi",
        {
            "Tasks/ASR/test/wav.scp": "1000021_9e5c8a5f Audio/1000021/1000021_9e5c8a5f.wav\n",
            "Tasks/ASR/test/text": "1000021_9e5c8a5f 而且 他们 都\n",
            "Tasks/ASR/test/utt2spk": "1000021_9e5c8a5f 1000021\n",
            "Tasks/ASR/test/utt2subdialect": "1000021_9e5c8a5f Jiang-Huai\n",
            "Audio/1000021/1000021_9e5c8a5f.wav": "",
        },
        (
            said(
                *("1000021_9e5c8a5f", "kespeech test", "Audio/1000021/1000021_9e5c8a5f.wav", "而且 他们 都"),
                language="zh",
                speaker="1000021",
                labels={"subdialect": "Jiang-Huai"},
            ),
        ),
    ),
    Corpus(
        "kaldi",
        {
            "calls/test/wav.scp": "rec rec.wav\n",
            "calls/test/segments": "rec-1 rec 0.25 1.5\nrec-2 rec 1.5 3\n",
            "calls/test/text": "rec-1 hello there\nrec-2\n",
            "calls/test/utt2spk": "rec-1 ann\nrec-2 bob\n",
            "calls/test/utt2lang": "rec-1 eng\n",
        },
        (
            said(
                *("rec-1", "calls test", "calls/test/rec.wav", "hello there", (250, 1500)),
                language="en",
                speaker="ann",
                recording="rec",
            ),
            said(
                *("rec-2", "calls test", "calls/test/rec.wav", "", (1500, 3000)),
                speaker="bob",
                recording="rec",
            ),
        ),
        opened="calls/test",
    ),
    Corpus(
        "lhotse",
        {
            "lh/x_recordings_test.jsonl.gz": lines(_RECORDING),
            "lh/x_supervisions_test.jsonl.gz": lines(
                {
                    "id": "s1",
                    "recording_id": "rec",
                    "start": 1.0,
                    "duration": 2.0,
                    "channel": 0,
                    "text": "good morning",
                    "language": "English",
                    "speaker": "ann",
                    "gender": "F",
                }
            ),
        },
        (
            said(
                *("s1", "lh x__test", "lh/audio/rec.wav", "good morning", (1000, 3000)),
                language="en",
                speaker="ann",
                recording="rec",
                channel=0,
                labels={"gender": "F"},
            ),
        ),
        opened="lh",
    ),
    Corpus(
        "nemo",
        {
            "nm/test_manifest.json": lines(
                {"audio_filepath": "a/1.wav", "duration": 1.5, "text": "eins", "lang": "de", "snr_db": 12},
                {"audio_filepath": "b/1.wav", "text": ""},
                {"audio_filepath": "long.wav", "offset": 0.0, "duration": 2.0, "text": "zwei"},
                {"audio_filepath": "long.wav", "offset": 2.0, "duration": 2.0, "text": "drei"},
            )
        },
        (
            said(
                *("a/1", "nm test_manifest", "nm/a/1.wav", "eins"),
                language="de",
                duration_ms=1500,
                labels={"snr_db": "12"},
            ),
            said("b/1", "nm test_manifest", "nm/b/1.wav", ""),
            said("long", "nm test_manifest", "nm/long.wav", "zwei", (0, 2000), recording="long"),
            said("long@2000", "nm test_manifest", "nm/long.wav", "drei", (2000, 4000), recording="long"),
        ),
        opened="nm",
    ),
    Corpus(
        "espnet",
        {
            "wn/data.list": lines(
                {"key": "k1", "wav": "k1.wav", "txt": "你好"},
                {"key": "k2", "wav": "all.wav", "txt": "再见", "start": 1.0, "end": 2.5},
            )
        },
        (
            said("k1", "wn data", "wn/k1.wav", "你好"),
            said("k2", "wn data", "wn/all.wav", "再见", (1000, 2500), recording="all"),
        ),
        opened="wn",
    ),
    Corpus(
        "audiofolder",
        {
            "hf/data/test/metadata.csv": 'file_name,transcription,speaker\na.wav,"one,\ntwo",ann\n',
            "hf/data/test/a.wav": "",
        },
        (said("a.wav", "test", "hf/data/test/a.wav", "one,\ntwo", speaker="ann"),),
        opened="hf",
    ),
    Corpus(
        "stm",
        {
            "TEDLIUM_release-3/legacy/test/stm/AlGore_2009.stm": ";; comment\n"
            "AlGore_2009 1 AlGore_2009 0.00 17.35 <o,f0,male> ignore_time_segment_in_scoring\n"
            "AlGore_2009 1 AlGore_2009 17.35 20.5 <o,f0,male> that 's the(2) <unk> point {NOISE}\n",
            "TEDLIUM_release-3/legacy/test/sph/AlGore_2009.sph": "",
        },
        (
            said(
                *("AlGore_2009-1-00017350-00020500-AlGore_2009", "legacy test"),
                "TEDLIUM_release-3/legacy/test/sph/AlGore_2009.sph",
                "that's the point",
                (17350, 20500),
                language="en",
                speaker="AlGore_2009",
                recording="AlGore_2009",
                labels={"labels": "<o,f0,male>"},
            ),
        ),
        opened="TEDLIUM_release-3",
    ),
)
