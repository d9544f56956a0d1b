"""Damaged corpora and outputs: whatever bytes are changed, there is an answer or one error of one line."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from qasr_cli.errors import QasrError
from qasr_cli.evaluation.hypotheses.opening import open_hypotheses
from qasr_cli.evaluation.references import opening
from qasr_cli.evaluation.utterances import AudioPart, Utterance
from qasr_cli.options import HypothesisFiles, ReferenceOptions
from tests import annotated_texts as texts
from tests import corpora
from tests.corpora import SPEECH, Corpus
from tests.toolkit_corpora import TOOLKITS

FILES = {
    "talk.srt": texts.SRT,
    "talk.vtt": texts.VTT,
    "talk.lrc": texts.LRC,
    "talk.json": texts.WHISPER,
    "talk.TextGrid": texts.LONG_GRID,
    "talk.ctm": "talk 1 0.5 0.25 hello 0.75\ntalk 1 1.0 0.5 there\n",
    "talk.stm": "talk 1 ann 0 2.5 <o,f0,female> hello\ntalk 1 bob 2.5 3 bye\n",
    "talk.rttm": "SPEAKER talk 1 0.50 1.00 <NA> <NA> ann <NA> <NA>\n",
    "talk.jsonl": texts.TRANSCRIPT + "\n",
    "rows.jsonl": corpora.lines(
        {"audio_filepath": "sample_0", "text": "hello", "pred_text": "hallo", "time": 1}
    ),
    "talk.trn": "hello there (talk)\n",
}
PIECES = st.one_of(
    st.binary(max_size=6),
    st.sampled_from(
        [b"-1", b"1e999", b"NaN", b"null", b"{}", b"[", b'"', b"\n", b"\t", b"\xff", b"\x00", b"|"]
    ),
)


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Draw a text in which a few places are replaced."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 12)))
        content = content[:start] + draw(PIECES) + content[end:]
    return content


def one_line(error: QasrError) -> None:
    assert "\n" not in str(error)
    assert str(error).isprintable()


@given(st.sampled_from(SPEECH + TOOLKITS), st.data())
@settings(max_examples=80)
def test_a_damaged_corpus(corpus: Corpus, data: st.DataObject) -> None:
    names = [name for name, text in corpus.files.items() if text and not name.endswith(".gz")]
    with tempfile.TemporaryDirectory() as folder:
        root = corpora.write(Path(folder), corpus.files)
        if not names:
            return
        path = root / data.draw(st.sampled_from(sorted(names)))
        path.write_bytes(data.draw(damaged(path.read_bytes())))
        for layout in (corpus.layout, "auto"):
            try:
                list(opening.open_set(root / corpus.opened, ReferenceOptions(layout=layout)))
            except QasrError as error:
                one_line(error)


@given(st.sampled_from(sorted(FILES)), st.data())
@settings(max_examples=80)
def test_damaged_texts_beside_media_and_outputs(name: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "talk.wav").touch()
        (root / name).write_bytes(data.draw(damaged(FILES[name].encode())))
        try:
            list(opening.open_set(root, ReferenceOptions()))
        except QasrError as error:
            one_line(error)
        try:
            found = open_hypotheses(HypothesisFiles("other", root / name))
            found.answers([Utterance("talk", "set", AudioPart(root / "talk.wav"), "hello")])
        except QasrError as error:
            one_line(error)
