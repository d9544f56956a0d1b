"""A user's own media beside texts in every format, and annotations of speech research."""

from __future__ import annotations

from pathlib import Path

import pytest

from qasr_cli.errors import UndecodableError
from qasr_cli.evaluation.references import opening, own_media, time_annotations
from qasr_cli.evaluation.utterances import TimedWord, Turn, Utterance
from qasr_cli.options import ReferenceOptions
from tests import corpora
from tests.annotated_texts import LONG_GRID, LRC, SHORT_GRID, SRT, TRANSCRIPT, VTT, WHISPER

SAID = (TimedWord('say "hi"', 250, 750, speaker="ann"),)


def own(folder: Path, **texts: str) -> Utterance:
    """Return the utterance of `talk.mp4` with texts by suffix; `_` is a dot."""
    files = {"talk.mp4": ""} | {f"talk.{suffix.replace('_', '.')}": text for suffix, text in texts.items()}
    found = opening.open_set(corpora.write(folder, files), ReferenceOptions())
    assert found.layout == "own"
    assert found.is_long
    (one,) = found
    assert one.audio is not None
    assert one.audio.path == folder / "talk.mp4"
    assert one.audio.span is None
    return one


class TestOwnMedia:
    @pytest.mark.parametrize(("suffix", "text"), [("srt", SRT), ("vtt", VTT), ("lrc", LRC)])
    def test_subtitles(self, suffix: str, text: str, tmp_path: Path) -> None:
        one = own(tmp_path, **{suffix: text})
        assert one.text == "Hello there. Bye."
        assert [caption.start_ms for caption in one.captions] == [500, 2500]

    def test_plain_text_is_joined(self, tmp_path: Path) -> None:
        assert own(tmp_path, txt="Hello there.\n\n Bye.\n").text == "Hello there. Bye."

    def test_json_of_other_programs(self, tmp_path: Path) -> None:
        one = own(tmp_path, json=WHISPER)
        assert (one.text, one.language) == ("Hello there. Bye.", "en")
        assert one.words[0] == TimedWord("Hello", 500, 1000, 0.9)

    @pytest.mark.parametrize("grid", [LONG_GRID, SHORT_GRID])
    def test_text_grid(self, grid: str, tmp_path: Path) -> None:
        one = own(tmp_path, TextGrid=grid)
        assert one.words == SAID
        assert one.text == 'say "hi"'

    def test_ctm_and_rttm_count_together(self, tmp_path: Path) -> None:
        one = own(
            tmp_path,
            ctm=";; made by hand\ntalk 1 0.5 0.25 hello 0.75\ntalk 1 1.0 0.5 there\n",
            rttm="SPEAKER talk 1 0.50 1.00 <NA> <NA> ann <NA> <NA>\nSPKR-INFO talk 1 <NA> <NA>\n",
        )
        assert one.words == (TimedWord("hello", 500, 750, 0.75), TimedWord("there", 1000, 1500))
        assert one.turns == (Turn("ann", 500, 1500),)
        assert one.text == "hello there"

    def test_stm(self, tmp_path: Path) -> None:
        one = own(tmp_path, stm="talk 1 ann 0 2.5 <o,f0,female> hello 's\ntalk 1 bob 2.5 3 bye\n")
        assert one.turns == (Turn("ann", 0, 2500, "hello's"), Turn("bob", 2500, 3000, "bye"))

    def test_a_language_in_the_name(self, tmp_path: Path) -> None:
        assert own(tmp_path, en_srt=SRT).language == "en"

    def test_a_name_with_the_suffix_of_the_media(self, tmp_path: Path) -> None:
        assert own(tmp_path, mp4_de_srt=SRT).language == "de"

    def test_a_reference_by_qasr_is_told(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        own_media._tell.cache_clear()  # it warns once in a process
        assert own(tmp_path, json=TRANSCRIPT).text == "Hello there."
        assert "some references are transcripts by qasr" in caplog.text

    def test_plain_text_counts_before_subtitles_whose_captions_stay(self, tmp_path: Path) -> None:
        one = own(tmp_path, srt=SRT, txt="Hello there! Bye!")
        assert one.text == "Hello there! Bye!"
        assert len(one.captions) == 2

    def test_an_empty_reference_beside_a_good_one(self, tmp_path: Path) -> None:
        corpora.write(tmp_path, {"a.wav": "", "a.txt": "", "b.wav": "", "b.txt": "bye"})
        assert [one.id for one in opening.open_set(tmp_path, ReferenceOptions())] == ["b.wav"]

    def test_folders_below_and_equal_names(self, tmp_path: Path) -> None:
        corpora.write(tmp_path, {"a/1.wav": "", "a/1.txt": "one", "b/1.wav": "", "b/1.txt": "two"})
        found = list(opening.open_set(tmp_path, ReferenceOptions()))
        assert [(one.id, one.text) for one in found] == [("a/1.wav", "one"), ("b/1.wav", "two")]


class TestAnnotations:
    @pytest.mark.parametrize("n_chars", range(30, len(LONG_GRID) - 40, 97))
    def test_a_cut_off_text_grid_is_refused(self, n_chars: int) -> None:
        with pytest.raises(UndecodableError):
            time_annotations.text_grid(LONG_GRID[:n_chars])

    @pytest.mark.parametrize(
        "text",
        ["", "hello", SHORT_GRID.replace("\n2\n", "\n99999999999\n"), SHORT_GRID.replace("0.25", "1e99")],
    )
    def test_what_is_no_text_grid(self, text: str) -> None:
        with pytest.raises(UndecodableError):
            time_annotations.text_grid(text)

    @pytest.mark.parametrize("row", ["a 1 0.5", "a 1 x 0.5 word", "a 1 -1 0.5 word", "a 1 nan 0.5 word"])
    def test_a_damaged_line_of_ctm_is_named(self, row: str) -> None:
        with pytest.raises(UndecodableError, match="line 2"):
            list(time_annotations.ctm(f"a 1 0 0.5 word\n{row}\n"))

    def test_a_damaged_line_of_rttm_is_named(self) -> None:
        with pytest.raises(UndecodableError, match="line 1"):
            list(time_annotations.rttm("SPEAKER talk 1 0.5\n"))


def test_names_that_begin_alike_have_texts_of_their_own(tmp_path: Path) -> None:
    names = ("a", "a-b", "a.b", "a b", "ab", "a.de", "A")
    corpora.write(tmp_path, {f"{name}.wav": "" for name in names} | {f"{name}.txt": name for name in names})
    texts = {one.id: one.text for one in opening.open_set(tmp_path, ReferenceOptions())}
    assert texts == {f"{name}.wav": name for name in names}


def test_truth_needs_no_language(tmp_path: Path) -> None:
    words = '[{"text": "hi", "start_ms": 100, "end_ms": 200}]'
    corpora.write(tmp_path, {"a.wav": "", "a.truth.json": f'{{"text": "hi", "words": {words}}}'})
    (one,) = opening.open_set(tmp_path, ReferenceOptions())
    assert (one.text, one.words) == ("hi", (TimedWord("hi", 100, 200),))


def test_a_transcript_by_qasr_as_the_truth_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    own_media._tell.cache_clear()  # it warns once in a process
    corpora.write(
        tmp_path,
        {f"{name}{end}": text for name in "ab" for end, text in ((".wav", ""), (".json", corpora.QASR))},
    )
    texts = [one.text for one in opening.open_set(tmp_path, ReferenceOptions())]
    assert texts == ["Hello there.", "Hello there."]
    assert caplog.text.count("transcripts by qasr") == 1
