"""Readers of reference corpora: each layout with its utterances, and what is refused."""

from __future__ import annotations

import gzip
import json
import os
import tracemalloc
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from qasr_cli.errors import NoInputError, QasrError, UndecodableError, UsageError
from qasr_cli.evaluation.references import opening
from qasr_cli.evaluation.references.kspon import spelled
from qasr_cli.evaluation.utterances import AudioPart, Utterance
from qasr_cli.options import ReferenceOptions
from qasr_cli.records import Span
from tests import corpora
from tests.corpora import SPEECH, Corpus
from tests.toolkit_corpora import TOOLKITS

AUTO = ReferenceOptions()
CORPORA = SPEECH + TOOLKITS


def read(path: Path, options: ReferenceOptions = AUTO) -> list[Utterance]:
    return list(opening.open_set(path, options))


def broken_gzip() -> bytes:
    """Return a compressed manifest whose first line is whole and whose middle is no deflate stream."""
    rows = corpora.lines(
        *({"audio_filepath": f"{number}.wav", "text": str(number)} for number in range(3_000))
    )
    content = bytearray(gzip.compress(rows.encode()))
    middle = len(content) // 2
    content[middle : middle + 500] = b"\xff" * 500
    return bytes(content)


def below(root: Path, one: Utterance) -> Utterance:
    """Return an utterance with its sound's path below the root."""
    assert one.audio is not None
    path = Path(os.path.normpath(one.audio.path)).relative_to(root)
    return replace(one, audio=replace(one.audio, path=path))


@pytest.mark.parametrize("corpus", CORPORA, ids=lambda one: f"{one.layout}-{one.utterances[0].set_name}")
def test_each_layout_is_found_out_and_read(corpus: Corpus, tmp_path: Path) -> None:
    corpora.write(tmp_path, corpus.files)
    found = opening.open_set(tmp_path / corpus.opened, AUTO)
    assert found.layout == corpus.layout
    assert [below(tmp_path, one) for one in found] == list(corpus.utterances)
    assert corpus.layout in found.description
    if corpus.parts is not None:
        assert found.parts == corpus.parts
    assert not found.is_long


@pytest.mark.parametrize("corpus", CORPORA, ids=lambda one: f"{one.layout}-{one.utterances[0].set_name}")
def test_a_layout_that_is_named_reads_the_same(corpus: Corpus, tmp_path: Path) -> None:
    corpora.write(tmp_path, corpus.files)
    named = read(tmp_path / corpus.opened, ReferenceOptions(layout=corpus.layout))
    assert named == read(tmp_path / corpus.opened)


def test_every_layout_has_a_corpus() -> None:
    elsewhere = {"own", "parquet"}  # test_eval_own_media, test_eval_parquet
    assert {name for name, _ in opening.layouts()} - elsewhere == {one.layout for one in CORPORA}


class TestParts:
    def test_a_part_is_named(self, tmp_path: Path) -> None:
        corpora.write(tmp_path, CORPORA[0].files)
        (one,) = read(tmp_path, ReferenceOptions(split="dev-clean"))
        assert (one.id, one.text) == ("84-121123-0000", "GO")

    def test_other_parts_are_told(self, tmp_path: Path) -> None:
        corpora.write(tmp_path, CORPORA[0].files)
        assert "not read: dev-clean" in opening.open_set(tmp_path, AUTO).description

    def test_an_unknown_part_lists_those_that_there_are(self, tmp_path: Path) -> None:
        corpora.write(tmp_path, CORPORA[0].files)
        with pytest.raises(UsageError, match="no part test-other") as caught:
            read(tmp_path, ReferenceOptions(split="test-other"))
        assert "dev-clean, test-clean" in caught.value.hint


class TestKsponSpeech:
    # Both sides of the example of the corpus's transcription rules.
    TEXT = "b/ 아/ 모+ 몬 소리야 (70%)/(칠 십 퍼센트) 확률이라니 n/"

    def test_spellings(self) -> None:
        assert spelled(self.TEXT, "written") == "아 모 몬 소리야 70% 확률이라니"
        assert spelled(self.TEXT, "spoken") == "아 모 몬 소리야 칠 십 퍼센트 확률이라니"


_CUT: dict[str, Any] = {
    "id": "cut",
    "start": 10.0,
    "duration": 5.0,
    "channel": 0,
    "supervisions": [
        {
            "id": "s1",
            "recording_id": "rec",
            "start": 0.5,
            "duration": 2.0,
            "channel": 0,
            "text": "guten tag",
            "alignment": {"word": [["guten", 0.5, 0.75, 0.9], ["tag", 1.5, 0.5, None]]},
        }
    ],
    "recording": {
        "id": "rec",
        "sources": [{"type": "file", "channels": [0], "source": "rec.wav"}],
        "duration": 30.0,
    },
    "type": "MonoCut",
}


class TestLhotseCuts:
    def test_times_are_those_of_the_recording(self, tmp_path: Path) -> None:
        corpora.write(tmp_path, {"cuts_test.jsonl": corpora.lines(_CUT)})
        (one,) = read(tmp_path)
        assert one.audio == AudioPart(tmp_path / "rec.wav", Span(10_500, 12_500))
        assert [(word.start_ms, word.end_ms) for word in one.words] == [(10_500, 11_250), (11_500, 12_000)]

    @pytest.mark.parametrize("kind", ["command", "url", "memory"])
    def test_only_files_are_read(self, kind: str, tmp_path: Path) -> None:
        recording = {**_CUT["recording"], "sources": [{"type": kind, "channels": [0], "source": "x"}]}
        corpora.write(tmp_path, {"cuts.jsonl": corpora.lines({**_CUT, "recording": recording})})
        with pytest.raises(UsageError, match=f"line 1: a source of type {kind}"):
            read(tmp_path)

    def test_words_with_impossible_times_are_left_out(self, tmp_path: Path) -> None:
        rows = [["a", "NaN", 1, 1], ["b", 1e300, 1, 1], ["c", -1, 1, 1], ["d", 1.0, 0.5, 1]]
        supervision = {**_CUT["supervisions"][0], "alignment": {"word": rows}}
        text = corpora.lines({**_CUT, "supervisions": [supervision]}).replace('"NaN"', "NaN")
        corpora.write(tmp_path, {"cuts.jsonl": text})
        (one,) = read(tmp_path)
        assert [word.text for word in one.words] == ["d"]

    def test_an_address_is_no_file(self, tmp_path: Path) -> None:
        source = {"type": "file", "channels": [0], "source": "https://host/rec.wav"}
        recording = {**_CUT["recording"], "sources": [source]}
        corpora.write(tmp_path, {"cuts.jsonl": corpora.lines({**_CUT, "recording": recording})})
        with pytest.raises(UsageError, match="address"):
            read(tmp_path)


def _segment(begin: str, subset: str, text: str = "X") -> bytes:
    """Return GigaSpeech's JSON with one segment."""
    segment = f'"sid": "s", "begin_time": {begin}, "end_time": 2, "text_tn": "{text}", "subsets": [{subset}]'
    return f'{{"audios": [{{"aid": "a", "path": "a.opus", "segments": [{{{segment}}}]}}]}}'.encode()


class TestBadInput:
    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(NoInputError):
            opening.open_set(tmp_path / "none", AUTO)

    def test_an_unknown_layout_says_what_was_looked_for(self, tmp_path: Path) -> None:
        (tmp_path / "notes.md").write_text("nothing")
        with pytest.raises(UndecodableError) as caught:
            opening.open_set(tmp_path, AUTO)
        assert all(name in caught.value.hint for name, _ in opening.layouts())

    def test_no_such_layout(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="no such layout"):
            opening.open_set(tmp_path, ReferenceOptions(layout="librispech"))

    @pytest.mark.parametrize("place", ["sox in.sph -t wav - |", "| cat in.wav", "https://host/a.wav"])
    def test_a_pipe_in_wav_scp_is_refused(self, place: str, tmp_path: Path) -> None:
        corpora.write(tmp_path, {"d/wav.scp": f"a ok.wav\nb {place}\n", "d/text": "a x\nb y\n"})
        with pytest.raises(UsageError, match=r"wav\.scp: line 2"):
            read(tmp_path / "d")

    def test_two_utterances_of_one_id_name_both(self, tmp_path: Path) -> None:
        corpora.write(tmp_path, {"d/wav.scp": "a a.wav\nb b.wav\n", "d/text": "a x\nb y\na z\n"})
        with pytest.raises(UndecodableError, match=r"utterances 1 and 3 of .* are both named a"):
            read(tmp_path / "d")

    def test_an_utterance_without_a_recording(self, tmp_path: Path) -> None:
        corpora.write(tmp_path, {"d/wav.scp": "a a.wav\n", "d/text": "a x\nb y\n"})
        with pytest.raises(UndecodableError, match=r"line 2: b is not in wav\.scp"):
            read(tmp_path / "d")

    @pytest.mark.parametrize("times", ["2 1", "1 1", "-1 2", "x 2", "nan 2", "0 inf", "2"])
    def test_times_that_are_none(self, times: str, tmp_path: Path) -> None:
        rows = f"b r 0 1\na r {times}\n"
        corpora.write(tmp_path, {"d/wav.scp": "r r.wav\n", "d/segments": rows, "d/text": "a x\n"})
        with pytest.raises(UndecodableError, match=r"segments: line 2"):
            read(tmp_path / "d")

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("m.json", b'{"audio_filepath": "a.wav", "text": "x"}\nnot json\n'),
            ("m.json", b'{"audio_filepath": "a.wav", "text": "x"}\n[1]\n'),
            ("m.json", b'{"audio_filepath": "a.wav", "text": "x"}\n\xff\xfe\n'),
            ("m.json", b'{"audio_filepath": "a.wav", "text": "x", "duration": "long"}\n'),
            ("m.json", b'{"audio_filepath": 7, "text": "x"}\n'),
            ("m.json", b'{"audio_filepath": "a.wav", "text": "x", "offset": 3.5}\n'),
            ("m.json", b'{"audio_filepath": "a.wav", "text": "x"}\n' + b"[" * 5000 + b"\n"),
            ("data.list", b'{"key": "k", "wav": "a.wav", "txt": "x", "start": 3, "end": 1}\n'),
            ("cuts.jsonl", b'{"supervisions": [], "recording": {}, "id": "c"}\n'),
            ("cuts.jsonl.gz", b"\x1f\x8b\x08damaged"),
            ("m.jsonl.gz", broken_gzip()),
            ("m.json", b'{"audio_filepath": "a\\u0000.wav", "text": "x"}\n'),
            ("m.json", b'{"audio_filepath": "a\\ud800.wav", "text": "x"}\n'),
            ("GigaSpeech.json", b'{"audios": [{"aid": "x", "text_tn": 1, '),
            ("GigaSpeech.json", b'{"audios": [7, "text_tn"]}'),
            ("WenetSpeech.json", b'{"audios": [{"segments": [{"begin_time": 1, "subsets": ["TEST_NET"]}]}]}'),
            ("WenetSpeech.json", b'{"audios": [{"begin_time":' + b"[" * 100_000),
            ("m.json", b'{"audio_filepath": ".", "text": "x"}\n'),
            ("m.json", b'{"audio_filepath": "a.wav", "text": "\\ud800"}\n'),
            ("m.json", b'{"audio_filepath": "a.wav", "text": "x", "offset": NaN, "duration": 1}\n'),
            ("GigaSpeech.json", _segment("1e999", '"TEST"')),
            ("GigaSpeech.json", _segment("1", '"TEST"', "\\ud800")),
            ("talk.stm", b"rec 1 ann 2.0\n"),
            ("talk.stm", b"rec 1 ann 2.0 1.0 <o> words\n"),
            ("x.trn", "a.pcm :: 아\nkaputt\n".encode()),
        ],
    )
    def test_a_damaged_manifest_is_one_clear_error(self, name: str, content: bytes, tmp_path: Path) -> None:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(QasrError) as caught:
            read(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        "row",
        [
            f'{{"audio_filepath": "a.wav", "text": "x", "snr_db": {"9" * 400}}}',
            '{"audio_filepath": "a.wav", "text": "x", "snr_db": 1e999}',
        ],
    )
    def test_a_label_that_is_no_number_of_this_world_stops_nothing(self, row: str, tmp_path: Path) -> None:
        path = corpora.write(tmp_path, {"m.json": row + "\n"})
        (one,) = read(path / "m.json")
        assert one.text == "x"

    @pytest.mark.parametrize(
        "row", ['{"audio_filepath": "a.wav", "text": null}', '{"key": "k", "wav": "a.wav", "txt": null}']
    )
    def test_null_is_no_text(self, row: str, tmp_path: Path) -> None:
        corpora.write(tmp_path, {"m.json": row + "\n"})
        assert [one.text for one in read(tmp_path / "m.json")] == [""]

    def test_a_table_of_another_corpus_is_no_audiofolder(self, tmp_path: Path) -> None:
        corpora.write(tmp_path, {"d/metadata.csv": "LJ001-0001|Printing, here|Printing, here\n"})
        with pytest.raises(UndecodableError, match="no references that qasr knows"):
            opening.open_set(tmp_path / "d", AUTO)

    def test_a_strange_file_does_not_hide_the_others(self, tmp_path: Path) -> None:
        corpora.write(tmp_path, CORPORA[0].files)
        for name in ("x.json", "x.tsv", "x.trn", "x.jsonl.gz", "x.list"):
            (tmp_path / name).write_bytes(b"\xff\xfe\x00binary")
        assert opening.open_set(tmp_path, AUTO).layout == "librispeech"
        for name in ("d/x.json", "d/x.tsv", "d/x.trn", "d/x.jsonl.gz", "d/x.list"):
            corpora.write(tmp_path, {name: ""})
            (tmp_path / name).write_bytes(b"\xff\xfe\x00binary")
        corpora.write(tmp_path, {"d/wav.scp": "a a.wav\n", "d/text": "a x\n"})
        assert opening.open_set(tmp_path / "d", AUTO).layout == "kaldi"

    def test_sound_that_is_missing_is_told_once(self, tmp_path: Path) -> None:
        rows = [{"audio_filepath": f"{number}.wav", "text": "x"} for number in range(30)]
        corpora.write(tmp_path, {"m.json": corpora.lines(*rows)})
        found = opening.open_set(tmp_path, AUTO)
        with pytest.raises(NoInputError) as raised:
            opening.refuse_soundless(found)
        assert raised.value.path == tmp_path / "0.wav"
        (tmp_path / "3.wav").touch()
        opening.refuse_soundless(found)


class TestDraws:
    def set_of(self, folder: Path, n: int = 200) -> Path:
        rows = [{"audio_filepath": f"{number}.wav", "text": str(number)} for number in range(n)]
        return corpora.write(folder, {"m.json": corpora.lines(*rows)})

    def test_a_draw_is_the_same_each_time_and_in_order(self, tmp_path: Path) -> None:
        path = self.set_of(tmp_path)
        drawn = [int(one.text) for one in read(path, ReferenceOptions(limit=20))]
        assert drawn == [int(one.text) for one in read(path, ReferenceOptions(limit=20))]
        assert len(drawn) == 20
        assert all(first < second for first, second in pairwise(drawn))

    def test_another_seed_draws_others_and_a_larger_draw_holds_a_smaller_one(self, tmp_path: Path) -> None:
        path = self.set_of(tmp_path)
        drawn, other, larger = (
            {one.id for one in read(path, ReferenceOptions(limit=limit, seed=seed))}
            for limit, seed in ((20, 1), (20, 2), (40, 1))
        )
        assert drawn != other
        assert drawn < larger

    def test_a_limit_above_the_size_takes_all(self, tmp_path: Path) -> None:
        assert len(read(self.set_of(tmp_path, 5), ReferenceOptions(limit=9))) == 5


def test_a_manifest_of_20_mb_takes_little_memory(tmp_path: Path) -> None:
    segments = [
        {
            "sid": f"%s_S{place}",
            "begin_time": place,
            "end_time": place + 1,
            "text": "今" * 3_200,
            "subsets": ["TEST_NET"],
        }
        for place in range(5)
    ]
    body = json.dumps(segments)
    with (tmp_path / "WenetSpeech.json").open("w") as file:
        file.write('{"audios": [')
        for number in range(200):
            aid = f"Y{number:06}"
            comma = "," if number else ""
            audio = f'"aid": "{aid}", "path": "{aid}.opus", "segments": {body.replace("%s", aid)}'
            file.write(f"{comma}\n{{{audio}}}")
        file.write("]}")
    assert (tmp_path / "WenetSpeech.json").stat().st_size > 18_000_000
    tracemalloc.start()
    try:
        n = sum(1 for _ in opening.open_set(tmp_path, ReferenceOptions(split="TEST_NET")))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert n == 200 * 5
    # A block of text, twice, and an object parsed from it: not the file.
    assert peak_bytes < 14_000_000
