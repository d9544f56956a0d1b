"""Outputs of other programs: every kind, and how an answer is found for an utterance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qasr_cli.errors import NoInputError, QasrError, UndecodableError
from qasr_cli.evaluation.hypotheses.opening import HypothesisSet, by_recording, open_hypotheses
from qasr_cli.evaluation.utterances import Answer, AudioPart, TimedWord, Turn, Utterance
from qasr_cli.options import HypothesisFiles
from qasr_cli.records import Span
from tests import corpora
from tests.annotated_texts import LONG_GRID, SRT, TRANSCRIPT, VTT, WHISPER


def opened(path: Path) -> HypothesisSet:
    return open_hypotheses(HypothesisFiles("other", path))


def asked(
    id_: str, path: str | None = None, text: str = "", span: tuple[int, int] | None = None, **more: str
) -> Utterance:
    cut = Span(*span) if span else None
    return Utterance(id_, "set", AudioPart(Path(path or f"{id_}.wav"), cut), text, **more)  # type: ignore[arg-type]


def text_of(found: HypothesisSet, utterance: Utterance) -> str | None:
    answer = answer_of(found, utterance)
    return None if answer is None else answer.text


def answer_of(found: HypothesisSet, utterance: Utterance) -> Answer | None:
    (answer,) = found.answers([utterance])
    return answer


WHISPERX = (
    '{"segments": [{"start": 0.5, "end": 2.0, "text": " Hello there.", "words": [{"word": "Hello", "start": '
    '0.5, "end": 1.0, "score": 0.9, "speaker": "S1"}, {"word": "there."}]}], "language": "en"}'
)
CPP = (
    '{"result": {"language": "en"}, "transcription": [{"timestamps": {"from": "00:00:00,500", "to": '
    '"00:00:02,000"}, "offsets": {"from": 500, "to": 2000}, "text": " Hello there."}]}'
)


class TestFilesByName:
    @pytest.mark.parametrize(
        ("suffix", "content", "text"),
        [
            ("json", corpora.QASR, "Hello there."),
            ("json", WHISPER, "Hello there. Bye."),
            ("json", WHISPERX, "Hello there."),
            ("json", CPP, "Hello there."),
            ("srt", SRT, "Hello there. Bye."),
            ("vtt", VTT, "Hello there. Bye."),
            ("tsv", "start\tend\ttext\n500\t2000\tHello there.\n", "Hello there."),
            ("txt", "Hello\nthere.\n", "Hello there."),
            ("TextGrid", LONG_GRID, 'say "hi"'),
            ("ctm", "talk 1 0.5 0.25 hello\ntalk 1 1.0 0.5 there\n", "hello there"),
            ("stm", "talk 1 ann 0 2.5 <o> hello\ntalk 1 bob 2.5 3 bye\n", "hello bye"),
            ("txt", "", ""),  # silence
        ],
    )
    def test_every_kind(self, suffix: str, content: str, text: str, tmp_path: Path) -> None:
        found = opened(corpora.write(tmp_path, {f"talk.{suffix}": content}))
        assert (found.kind, found.n) == ("files by name", 1)
        assert text_of(found, asked("talk")) == text
        assert answer_of(found, asked("walk")) is None

    def test_a_transcript_by_qasr_keeps_words_segments_and_flags(self, tmp_path: Path) -> None:
        answer = answer_of(opened(corpora.write(tmp_path, {"talk.json": corpora.QASR})), asked("talk"))
        assert answer is not None
        assert answer.words[0] == TimedWord("Hello", 0, 500, 0.5)
        assert (answer.language, answer.flags, len(answer.segments)) == ("en", ("loop",), 1)

    def test_json_counts_before_subtitles(self, tmp_path: Path) -> None:
        found = opened(
            corpora.write(tmp_path, {"talk.srt": VTT, "talk.json": corpora.QASR, "talk.txt": "no"})
        )
        assert text_of(found, asked("talk")) == "Hello there."

    def test_equal_names_are_told_apart_by_their_folders(self, tmp_path: Path) -> None:
        corpora.write(tmp_path, {"a/1.txt": "one", "b/1.txt": "two"})
        found = opened(tmp_path)
        assert text_of(found, asked("a/1.wav", "/data/a/1.wav")) == "one"
        assert text_of(found, asked("x", "/data/b/1.wav")) == "two"
        assert answer_of(found, asked("y", "/data/c/1.wav")) is None  # either would be a guess

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a/1.txt", "alpha"),
            ("1.txt", "alpha"),
            ("rows.jsonl", '{"audio_filepath": "a/1.wav", "pred_text": "alpha"}\n'),
            ("text", "1 alpha\n"),
            ("all.ctm", "1 1 0.0 0.5 alpha\n"),
        ],
    )
    def test_an_output_answers_one_of_the_recordings_of_its_name(
        self, name: str, content: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        corpora.write(tmp_path, {name: content, "other.md": ""})
        found = opened(tmp_path if name.endswith(".txt") else tmp_path / name)
        asked_for = [asked(f"{folder}/1.wav", f"/media/{folder}/1.wav") for folder in "abc"]
        for _ in range(2):  # of two models
            assert [text_of(found, one) for one in asked_for] == ["alpha", None, None]
        assert caplog.text.count("several recordings have this name") == 1
        assert text_of(found, replace(asked_for[1], set_name="the same clips elsewhere")) is not None

    def test_a_sure_name_counts_though_another_recording_came_first(self, tmp_path: Path) -> None:
        corpora.write(tmp_path, {"b/1.txt": "beta"})
        found = opened(tmp_path)
        for folder, text in (("b", "beta"), ("c", None), ("b", "beta")):
            assert text_of(found, asked(f"{folder}/1.wav", f"/media/{folder}/1.wav")) == text

    def test_the_language_of_the_utterance(self, tmp_path: Path) -> None:
        found = opened(corpora.write(tmp_path, {"talk.de.txt": "ja", "talk.en.txt": "yes"}))
        assert text_of(found, asked("talk", language="en")) == "yes"
        assert text_of(found, asked("talk", language="de")) == "ja"

    def test_a_name_with_the_suffix_of_the_sound(self, tmp_path: Path) -> None:
        found = opened(corpora.write(tmp_path, {"talk.mp4.srt": SRT}))
        assert text_of(found, asked("talk", "talk.mp4")) == "Hello there. Bye."

    def test_a_part_of_a_recording(self, tmp_path: Path) -> None:
        found = opened(corpora.write(tmp_path, {"talk.json": WHISPER}))
        assert text_of(found, asked("u1", "talk.wav", span=(0, 1500))) == "Hello there."
        assert text_of(found, asked("u2", "talk.wav", span=(1500, 3000))) == "Bye."

    def test_a_word_at_a_border_is_the_part_that_has_it(self, tmp_path: Path) -> None:
        row = "talk 1 {} 0.4 {}"
        words = [(0.2, "good"), (1.1, "morning"), (2.0, "friends"), (9.0, "later"), (9.6, "on")]
        content = "\n".join(row.format(*word) for word in words)
        found = opened(corpora.write(tmp_path, {"talk.ctm": content}))
        parts = [
            asked("u1", "talk.wav", "good morning", (0, 1000)),
            asked("u2", "talk.wav", "friends", (1000, 3000)),
            asked("u3", "talk.wav", "later", (9000, 9500)),
        ]
        # "on" lies in no reference, and is nobody's insertion.
        assert [one and one.text for one in found.answers(parts)] == ["good morning", "friends", "later"]

    def test_groups_follow_each_other_in_one_recording(self) -> None:
        parts = [asked("u1", "a.wav", span=(0, 1)), asked("u2", "a.wav", span=(1, 2)), asked("u3", "b.wav")]
        parts += [asked("u4", "b.wav"), asked("u5", "a.wav", span=(2, 3))]
        assert [[one.id for one in group] for group in by_recording(parts)] == [
            ["u1", "u2"],
            ["u3"],
            ["u4"],
            ["u5"],
        ]

    def test_a_file_of_the_utterances_own_name_is_not_cut(self, tmp_path: Path) -> None:
        found = opened(corpora.write(tmp_path, {"u2.json": WHISPER}))
        assert text_of(found, asked("u2", "talk.wav", span=(60_000, 62_000))) == "Hello there. Bye."

    def test_a_damaged_file_is_an_answer_with_an_error(self, tmp_path: Path) -> None:
        answer = answer_of(opened(corpora.write(tmp_path, {"talk.json": '{"segments": 7}'})), asked("talk"))
        assert answer is not None
        assert answer.text == ""
        assert "segments" in answer.error

    def test_one_file_for_one_recording(self, tmp_path: Path) -> None:
        corpora.write(tmp_path, {"out.json": WHISPER})
        found = opened(tmp_path / "out.json")
        assert found.kind == "the output for one recording"
        assert text_of(found, asked("talk")) == "Hello there. Bye."
        assert answer_of(found, asked("another")) is None


class TestTables:
    @pytest.mark.parametrize("time", ["NaN", "1e999", "-1", "9" * 400, '"x"'])
    def test_a_time_that_is_none(self, time: str, tmp_path: Path) -> None:
        row = f'{{"audio_filepath": "a.wav", "pred_text": "x", "time": {time}}}'
        corpora.write(tmp_path, {"rows.jsonl": row})
        answer = answer_of(opened(tmp_path / "rows.jsonl"), asked("a"))
        assert answer is not None
        assert (answer.text, answer.wall_s) == ("x", None)

    def test_a_manifest_of_nemo(self, tmp_path: Path) -> None:
        rows = (
            {"audio_filepath": "/d/1.wav", "text": "the reference", "pred_text": "one"},
            {"audio_filepath": "/d/2.wav", "text": "the reference", "pred_text": None},
        )
        corpora.write(tmp_path, {"pred.json": corpora.lines(*rows)})
        found = opened(tmp_path / "pred.json")
        assert (found.kind, found.n) == ("JSON lines", 2)
        assert text_of(found, asked("1", "/elsewhere/1.wav")) == "one"
        assert text_of(found, asked("2", "/d/2.wav")) == ""  # never the reference

    def test_transcripts_by_qasr_one_a_line(self, tmp_path: Path) -> None:
        corpora.write(
            tmp_path, {"out.jsonl": f"{TRANSCRIPT}\n" + TRANSCRIPT.replace("talk.mp4", "walk.wav") + "\n"}
        )
        found = opened(tmp_path / "out.jsonl")
        assert (found.kind, found.n) == ("transcripts by qasr", 2)
        assert text_of(found, asked("walk")) == "Hello there."
        assert answer_of(found, asked("other")) is None

    def test_the_leaderboard_without_ids_goes_by_order_and_reference(self, tmp_path: Path) -> None:
        rows = (
            {
                "audio_filepath": f"sample_{number}",
                "duration": 1.0,
                "time": 0.25,
                "text": text,
                "pred_text": said,
            }
            for number, (text, said) in enumerate(
                [("mister brown", "Mr. Brown"), ("yes", "first"), ("20 men", "twenty men"), ("yes", "second")]
            )
        )
        name = "MODEL_a-b_DATASET_c_d_test.jsonl"
        found = opened(corpora.write(tmp_path, {name: corpora.lines(*rows), "wer.txt": "4.2"}))
        assert found.kind == "JSON lines, in the order of the references"
        # The first one was left out by the draw; the second is spelled otherwise there.
        wanted = ("Yes.", "Twenty-20 men", "yes")
        answers = [answer_of(found, asked(str(place), text=text)) for place, text in enumerate(wanted)]
        assert [one and one.text for one in answers] == ["first", "twenty men", "second"]
        assert [one and one.wall_s for one in answers] == [0.25] * 3
        assert answer_of(found, asked("9", text="something else entirely")) is None

    def test_chunks_of_one_recording_are_joined(self, tmp_path: Path) -> None:
        rows = [
            {
                "audio_filepath": f"sample_{n}",
                "parent_id": "call",
                "chunk_index": n,
                "text": "x",
                "pred_text": said,
            }
            for n, said in ((1, "bob"), (0, "hello"), (2, None))
        ]
        corpora.write(tmp_path, {"r.jsonl": corpora.lines(*rows)})
        assert text_of(opened(tmp_path / "r.jsonl"), asked("call")) == "hello bob"

    @pytest.mark.parametrize(
        ("name", "content"),
        [("text", "u1 hello there\nu2\n"), ("h.trn", "hello there (u1)\n(u2)\n")],
    )
    def test_kaldi_and_trn(self, name: str, content: str, tmp_path: Path) -> None:
        found = opened(corpora.write(tmp_path, {name: content}))
        assert found.n == 2
        assert [text_of(found, asked(id_)) for id_ in ("u1", "u2", "u3")] == ["hello there", "", None]

    def test_a_ctm_of_many_recordings(self, tmp_path: Path) -> None:
        content = "a 1 0.5 0.25 hello\nb 1 0.0 0.5 no\na 1 1.0 0.5 there\na 1 9.0 0.5 late\n"
        corpora.write(tmp_path, {"all.ctm": content})
        found = opened(tmp_path / "all.ctm")
        assert (found.kind, found.n) == ("CTM", 2)
        assert text_of(found, asked("a")) == "hello there late"
        assert text_of(found, asked("u", "a.wav", span=(0, 2000), recording="a")) == "hello there"

    def test_speakers_alone(self, tmp_path: Path) -> None:
        corpora.write(tmp_path, {"all.rttm": "SPEAKER a 1 0.5 1.0 <NA> <NA> ann <NA> <NA>\n"})
        answer = answer_of(opened(tmp_path / "all.rttm"), asked("a"))
        assert answer is not None
        assert (answer.text, answer.turns) == ("", (Turn("ann", 500, 1500),))


class TestBadInput:
    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(NoInputError):
            opened(tmp_path / "none")

    def test_a_folder_without_outputs(self, tmp_path: Path) -> None:
        (tmp_path / "notes.md").touch()
        with pytest.raises(UndecodableError, match="no outputs"):
            opened(tmp_path)

    def test_several_tables(self, tmp_path: Path) -> None:
        row = corpora.lines({"id": "a", "text": "b"})
        corpora.write(tmp_path, {"a.jsonl": row, "b.jsonl": row})
        with pytest.raises(UndecodableError, match=r"a\.jsonl, b\.jsonl"):
            opened(tmp_path)

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("h.jsonl", '{"id": "a"}\n'),
            ("h.jsonl", '{"id": "a", "text": "x"}\nnot json\n'),
            ("h.jsonl", '{"schema": "qasr.v1"}\n'),
            ("h.trn", "no id\n"),
            ("h.ctm", "a 1 x 0.5 word\n"),
            ("h.rttm", "SPEAKER a\n"),
        ],
    )
    def test_a_damaged_table_is_one_clear_error(self, name: str, content: str, tmp_path: Path) -> None:
        corpora.write(tmp_path, {name: content})
        with pytest.raises(QasrError, match=r"line \d"):
            opened(tmp_path / name)
