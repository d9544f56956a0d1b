"""Speakers: no line mixes two, every word is kept, and readers that are not ours find what was written."""

from __future__ import annotations

import html.parser
import re
from itertools import groupby, pairwise
from typing import Any

import pysubs2
import webvtt
from hypothesis import given
from hypothesis import strategies as st
from praatio import textgrid
from praatio.utilities import errors as praatio_errors
from praatio.utilities import textgrid_io

from qasr_cli.formats import FORMATS, parse_transcript
from qasr_cli.formats.readers import captions
from qasr_cli.options import CueOptions, OutputOptions, SpeakerStyle
from qasr_cli.pipeline import finish
from qasr_cli.records import Cue, Segment, Track, Transcript, Word
from qasr_cli.subtitles.qc import check
from qasr_cli.subtitles.rules import limits
from tests.dialogues import laid_out
from tests.property.spoken import CODES
from tests.property.test_formats_roundtrip import TEXTS, check_webvtt

SPEAKERS = st.sampled_from([None, "S1", "S2", "S3"])
NAMES = st.one_of(TEXTS, st.sampled_from(["Anna", "words", "花子", "محمد", "a, b", "<v x>", "S2", "", "  "]))
CLEAN = st.sampled_from(
    ["the", "of", "and", "house.", "yes,", "Why?", "was", "beautiful", "market", "字", "は"]
)
OPTIONS = st.builds(
    CueOptions,
    profile=st.sampled_from(["netflix-sdh", "netflix", "bbc", "ted", "shorts", "verbatim"]),
    max_lines=st.sampled_from([None, 1, 3]),
    speaker_style=st.sampled_from(list(SpeakerStyle)),
)
MARKING = OutputOptions(low_confidence=0.5)
DASH = "-"


@st.composite
def dialogues(draw: st.DrawFn, texts: st.SearchStrategy[str] = CLEAN) -> Transcript:
    now_ms, segments = draw(st.integers(0, 2_000)), []
    language = draw(st.sampled_from(CODES))
    for _ in range(draw(st.integers(1, 3))):
        words: list[Word] = []
        start_ms = now_ms
        for _ in range(draw(st.integers(0, 4))):
            speaker = draw(SPEAKERS)
            for _ in range(draw(st.integers(1, 6))):
                length_ms = draw(st.integers(40, 700))
                lead = draw(st.sampled_from(["", " ", " "])) if words else ""
                sure = draw(st.sampled_from([None, 0.2, 0.9]))
                words.append(
                    Word(lead, draw(texts), now_ms, now_ms + length_ms, confidence=sure, speaker=speaker)
                )
                now_ms += length_ms + draw(st.sampled_from([0, 0, 30, 300, 2_000]))
        text = "".join(word.lead + word.text for word in words)
        segments.append(Segment(start_ms, now_ms + 1, language, text, tuple(words)))
    track = Track(0, "pcm", 1, 16_000)
    transcript = Transcript("talk.wav", track, now_ms + 2_000, tuple(segments), "0" * 16)
    return finish.named(transcript, tuple(draw(NAMES) for _ in transcript.speaker_names))


def turns_of(transcript: Transcript) -> list[str | None]:
    """Return the speaker of each word; one without goes on with the turn, the first ones with the next."""
    given_ones = [word.speaker for word in transcript.words]
    speaker = next((one for one in given_ones if one), None)
    filled = []
    for one in given_ones:
        speaker = one or speaker
        filled.append(speaker)
    return filled


@given(dialogues(), OPTIONS)
def test_no_line_mixes_speakers_and_a_cue_does_so_only_with_dashes(
    transcript: Transcript, options: CueOptions
) -> None:
    cues = laid_out(transcript, options)
    edges = [0, *(cue.word_range[1] for cue in cues)]
    assert [cue.word_range for cue in cues] == list(pairwise(edges))
    assert edges[-1] == len(transcript.words)
    speakers = turns_of(transcript)
    for cue in cues:
        of_words = [speaker for speaker, _ in groupby(speakers[slice(*cue.word_range)])]
        assert len(of_words) <= 2
        labels = [one.label for one in cue.speakers]
        assert [label for label, _ in groupby(labels)] == [one for one in of_words if one]
        if len(of_words) == 2:
            assert len(cue.lines) == 2
            assert options.speaker_style is not SpeakerStyle.NONE
            assert cue.lines[1].startswith(DASH)
        # Without what is shown of the speakers the lines are the words, letter by letter.
        heads = [one.dash + one.name for one in cue.speakers] or [""] * len(cue.lines)
        shown = [line.removeprefix(head) for line, head in zip(cue.lines, heads, strict=True)]
        said = "".join(word.text for word in transcript.words[slice(*cue.word_range)])
        assert "".join("".join(shown).split()) == "".join(said.split())


@given(dialogues(TEXTS), OPTIONS)
def test_anything_that_is_said_or_a_name_makes_legal_cues(
    transcript: Transcript, options: CueOptions
) -> None:
    cues = laid_out(transcript, options)
    kept = limits.of_transcript(transcript, options)
    for cue, following in pairwise(cues):
        assert cue.end_ms <= following.start_ms
    found = check.check(check.of_cues(cues), kept, transcript.language)
    for finding in found.hard:
        assert finding.rule not in {"cpl", "lines"}, finding


@given(dialogues(TEXTS), OPTIONS)
def test_speakers_come_back_from_json(transcript: Transcript, options: CueOptions) -> None:
    cues = laid_out(transcript, options)
    assert parse_transcript(FORMATS["json"].render(transcript, cues, MARKING)) == transcript


def _voice(transcript: Transcript, label: str) -> str:
    """Return what a line can show of a name: an end of a line is a space, other controls are nothing."""
    for text in (transcript.speaker_names[label], label):
        spaced = re.sub(r"[\r\n\x0b\x0c\x1c-\x1f\x85\u2028\u2029]+", " ", text)
        legal = re.sub(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufeff]", "", spaced)
        shown = " ".join(re.sub("[\ud800-\udfff]", "\ufffd", legal).split())
        if shown:
            return shown
    raise AssertionError(label)


@given(dialogues(), OPTIONS, st.booleans())
def test_voices_obey_the_standard_and_come_back(
    transcript: Transcript, options: CueOptions, is_highlighted: bool
) -> None:
    cues = laid_out(transcript, options)
    written = FORMATS["vtt"].render(transcript, cues, OutputOptions(highlight_words=is_highlighted))
    blocks = check_webvtt(written)
    for start_ms, end_ms, _ in blocks:
        assert any(cue.start_ms <= start_ms and end_ms <= cue.end_ms for cue in cues)
    if not is_highlighted and cues:
        file = captions.parse(written, "a.vtt")
        assert file.faults == ()
        for caption, cue in zip(file.captions, cues, strict=True):
            assert list(caption.speakers) == [_voice(transcript, one.label) for one in cue.speakers]
        assert len(webvtt.from_string(written).captions) == len(cues)


@given(dialogues(TEXTS), st.booleans())
def test_ass_is_read_by_pysubs2(transcript: Transcript, is_highlighted: bool) -> None:
    cues = laid_out(transcript)
    options = OutputOptions(highlight_words=is_highlighted, low_confidence=0.5)
    written = FORMATS["ass"].render(transcript, cues, options)
    written.encode()
    file = pysubs2.SSAFile.from_string(written)
    assert len(file.events) == len(cues)
    for event, cue in zip(file.events, cues, strict=True):
        assert 0 <= event.start - cue.start_ms < 10
        assert 0 <= event.end - cue.end_ms < 20
        assert event.style in file.styles
        assert event.text.count(r"\N") == len(cue.lines) - 1
        hundredths = [int(found) for found in re.findall(r"\{\\k(\d+)\}", event.text)]
        if hundredths:
            assert sum(hundredths) * 10 == event.end - event.start
        assert _letters(re.sub(r"\{[^{}]*\}|\\N", "", event.text)) == _letters("".join(cue.lines))
    for event, following in pairwise(file.events):
        assert event.end <= following.start or event.end - event.start <= 10
    for style in file.styles.values():
        assert style.fontsize == 60


def _letters(text: str) -> str:
    """Return what ASS can say of a text."""
    text = text.replace("｛", "{").replace("｝", "}").replace("\u2060", "")
    return "".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffd\ud800-\udfff]", "", text).split())


@given(dialogues(TEXTS))
def test_textgrid_is_read_by_praatio(transcript: Transcript) -> None:
    written = FORMATS["textgrid"].render(transcript, (), OutputOptions())
    read: dict[str, Any] = textgrid_io.parseTextgridStr(written, includeEmptyIntervals=True)
    assert [tier["name"] for tier in read["tiers"]][:2] == ["words", "segments"]
    assert len(read["tiers"]) == 2 + len(transcript.speaker_names)
    for tier in read["tiers"]:
        edges = [float(start) for start, _, _ in tier["entries"]]
        ends = [float(end) for _, end, _ in tier["entries"]]
        assert edges[0] == 0
        assert edges[1:] == ends[:-1], "without holes"
        assert ends[-1] == read["xmax"]
        assert all(start < end for start, end in zip(edges, ends, strict=True))
    said = "".join(_plain(word.text) for word in transcript.words)
    assert "".join(_plain(label) for _, _, label in read["tiers"][0]["entries"]) == said
    if len({tier["name"] for tier in read["tiers"]}) == len(read["tiers"]):
        try:
            textgrid._dictionaryToTg(read, reportingMode="error")
        except praatio_errors.ArgumentError as error:  # pragma: no cover - says what is wrong
            raise AssertionError(error) from error


def _plain(text: str) -> str:
    return "".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffd\ud800-\udfff]", "", text).split())


@given(dialogues(TEXTS))
def test_lines_of_nist_have_their_fields(transcript: Transcript) -> None:
    rttm = FORMATS["rttm"].render(transcript, (), OutputOptions()).splitlines()
    spoken: dict[str, float] = {}
    for line in rttm:
        fields = line.split(" ")
        assert len(fields) == 10
        assert fields[0] == "SPEAKER"
        assert float(fields[4]) > 0
        spoken[fields[7]] = spoken.get(fields[7], 0.0) + float(fields[4])
    assert sum(spoken.values()) <= transcript.duration_ms / 1_000
    ctm = FORMATS["ctm"].render(transcript, (), OutputOptions()).splitlines()
    starts = [float(line.split(" ")[2]) for line in ctm]
    assert starts == sorted(starts)
    assert all(len(line.split(" ")) in {5, 6} for line in ctm)
    shown = [word for word in transcript.words if _plain(word.text)]
    assert len(shown) <= len(ctm) <= len(transcript.words)


class _Page(html.parser.HTMLParser):
    """The words of a page, and what stands outside of the elements that it may have."""

    ALLOWED = frozenset(
        [
            *("html", "head", "meta", "title", "style", "script", "body", "header", "main", "section"),
            *("h1", "h2", "bdi", "p", "div", "span", "mark", "button", "video"),
        ]
    )

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.is_word = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.ALLOWED
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag != "meta":
            self.open.append(tag)
        self.is_word = tag in {"span", "mark"} and "data-start" in dict(attrs)
        if self.is_word:
            self.words.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.is_word = False

    def handle_data(self, data: str) -> None:
        if self.is_word:
            self.words[-1] += data


@given(dialogues(TEXTS), st.sampled_from([OutputOptions(), MARKING]))
def test_a_page_holds_the_words_and_nothing_else(transcript: Transcript, options: OutputOptions) -> None:
    page = FORMATS["html"].render(transcript, (), options)
    page.encode()
    parser = _Page()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    assert page.count("<script>") == page.count("</script>") == 1
    assert "".join(map(_plain, parser.words)) == "".join(_plain(word.text) for word in transcript.words)


@given(dialogues(), st.integers(0, 40))
def test_turns_of_the_text_are_those_of_the_speakers(transcript: Transcript, n_cues: int) -> None:
    cues: tuple[Cue, ...] = laid_out(transcript)[:n_cues]
    text = FORMATS["txt"].render(transcript, cues, OutputOptions())
    said = [one for one, _ in groupby(turns_of(transcript))]
    names = {_voice(transcript, label) for label in transcript.speaker_names}
    heads = [line for line in text.splitlines() if any(line.startswith(f"{name}: ") for name in names)]
    is_told_apart = len(transcript.speaker_names) > 1 or bool(transcript.speakers)
    assert len(heads) == (len(said) if is_told_apart else 0)
