"""Utterances of references as the sources of a run.

In go streamed utterances; out come rounds of sources, each with the utterances that it answers and the key of
its transcript. Sound that lies in another file (parquet) or has no header is stored in a scratch folder for
the length of a round, so that the disk needed is bounded. Reads no sound but what it stores.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qasr_cli.errors import from_os_error, from_read_error
from qasr_cli.evaluation.answers import safe_name
from qasr_cli.evaluation.suites.joins import Join
from qasr_cli.evaluation.utterances import AudioPart, Encoding, Utterance
from qasr_cli.operating_system import files
from qasr_cli.records import Source, Span
from qasr_cli.runs.files.file_identity import foreseen, identify_once
from qasr_cli.tasks import joined_sound

ROUND_UTTERANCES = 2_000
_MAX_ROUND_UTTERANCES = 50_000  # of one recording; a round ends between recordings otherwise
_ROUND_STORED_BYTES = 1_000_000_000
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")
_MAX_PCM_BYTES = 2_000_000_000
# A clip is one span, however long: the lane cuts it off where the sound ends.
_WHOLE = Span(0, 10_000_000_000)


@dataclass(frozen=True, slots=True)
class EvalSource:
    """A source of a run.

    Attributes:
        key: Of its transcript: a digest of sound, spans and settings.
        source: Its sound, and the spans that are recognised.
        utterances: What its transcript answers, each with the span that is its own; None for the whole.
        script: Text whose words are timed, in place of recognised ones; "" recognises.
        join: Clips that its sound is put together from; None takes that of its one utterance.
    """

    key: str
    source: Source
    utterances: tuple[tuple[Utterance, Span | None], ...]
    script: str = ""
    join: Join | None = None


def rounds(utterances: Iterable[Utterance]) -> Iterator[list[Utterance]]:
    """Yield utterances with sound in rounds; a recording is never in two of them, unless it is endless."""
    batch: list[Utterance] = []
    stored_bytes = 0
    for utterance in utterances:
        if utterance.audio is None:
            continue
        is_next = not batch or batch[-1].audio is None or batch[-1].audio.path != utterance.audio.path
        is_full = len(batch) >= ROUND_UTTERANCES or stored_bytes >= _ROUND_STORED_BYTES
        if (is_full and is_next) or len(batch) >= _MAX_ROUND_UTTERANCES:
            yield batch
            batch, stored_bytes = [], 0
        batch.append(utterance)
        stored_bytes += len(utterance.audio.content or b"")
    if batch:
        yield batch


def sources_of(batch: Sequence[Utterance], settings: str, *, is_whole: bool) -> list[EvalSource]:
    """Return the sources of a round, in the order of their first utterances.

    Args:
        batch: Utterances with sound.
        settings: Fingerprint of all that decides a transcript.
        is_whole: Whole recordings are transcribed, in chunks of the planner's choice.
    """
    found: list[EvalSource] = []
    recordings: dict[AudioPart, list[Utterance]] = {}
    for utterance in batch:
        audio = _audio(utterance)
        if audio.content is not None or (audio.span is None and not is_whole):
            own = None if is_whole else _WHOLE
            found.append(_source(len(found), audio, [(utterance, own)], settings))
        else:
            recordings.setdefault(replace(audio, span=None), []).append(utterance)
    for audio, members in recordings.items():
        if is_whole:
            pairs = [(utterance, _audio(utterance).span) for utterance in members]
            found.append(_source(len(found), audio, pairs, settings, is_whole=True))
            continue
        for layer in _layers(members):
            found.append(_source(len(found), audio, layer, settings))
    return found


def aligned_sources(utterances: Iterable[Utterance], settings: str) -> list[EvalSource]:
    """Return sources whose reference texts are timed: each utterance's whole sound with its text."""
    found = []
    for number, utterance in enumerate(utterances):
        if utterance.audio is None or not utterance.text.strip():
            continue
        one = _source(number, utterance.audio, [(utterance, None)], settings, is_whole=True)
        found.append(_with_script(one, utterance.text))
    return found


def joined_sources(joins: Iterable[Join], set_name: str, settings: str) -> list[EvalSource]:
    """Return sources of joined clips, whose texts are timed."""
    found = []
    for number, join in enumerate(joins):
        whole = join.utterance(set_name)
        states = [_state(_audio(clip)) for clip, _ in join.parts]
        key = _digest([states, join.listing(), settings])
        source = Source(number, Path(f"{join.id}.wav"), Path(f"{join.id}.wav"))
        found.append(_with_script(EvalSource(key, source, ((whole, None),), join=join), whole.text))
    return found


def _with_script(source: EvalSource, text: str) -> EvalSource:
    return replace(source, script=text, key=_digest([source.key, text]))


def _digest(decides: list[object]) -> str:
    return hashlib.sha256(json.dumps(decides).encode()).hexdigest()[:32]


def _audio(utterance: Utterance) -> AudioPart:
    assert utterance.audio is not None  # noqa: S101 - `rounds` leaves out the others
    return utterance.audio


def _layers(members: Sequence[Utterance]) -> list[list[tuple[Utterance, Span | None]]]:
    """Return the utterances of a recording in layers without overlaps: speakers may talk at once."""
    timed = [(span, utterance) for utterance in members if (span := _audio(utterance).span) is not None]
    layers: list[list[tuple[Utterance, Span | None]]] = []
    ends: list[int] = []
    for span, utterance in sorted(timed, key=lambda pair: (pair[0], pair[1].id)):
        free = next((number for number, end_ms in enumerate(ends) if end_ms <= span.start_ms), len(ends))
        if free == len(ends):
            layers.append([])
            ends.append(0)
        layers[free].append((utterance, span))
        ends[free] = span.end_ms
    return layers


def _source(
    number: int,
    audio: AudioPart,
    pairs: Sequence[tuple[Utterance, Span | None]],
    settings: str,
    *,
    is_whole: bool = False,
) -> EvalSource:
    spans = () if is_whole else tuple(span for _, span in pairs if span is not None)
    name = pairs[0][0].id if len(pairs) == 1 else audio.path.name
    key = _digest([_state(audio), [[span.start_ms, span.end_ms] for span in spans], settings])
    owned = tuple((utterance, None if span is _WHOLE else span) for utterance, span in pairs)
    return EvalSource(key, Source(number, audio.path, Path(name), spans=spans), owned)


def _state(audio: AudioPart) -> list[object]:
    """Return what tells the sound from any other: content, or size, time and digest of a file."""
    identity = identify_once(audio.path) if audio.content is None else foreseen(audio.content)
    if identity is None:  # missing: the run says so
        return [str(audio.path)]
    return [identity.size_bytes, identity.digest, audio.encoding.value, audio.channel]


def stored(source: EvalSource, number: int, folder: Path) -> Source:
    """Return a source as the run takes it: by its number there, its sound stored if need be.

    Raises:
        QasrError: It cannot be read or stored.
    """
    if source.join is not None:
        path = folder / f"{number:06}-{source.source.path.name}"
        joined_sound.write(path, source.join)
        return replace(source.source, id=number, path=path)
    audio = _audio(source.utterances[0][0])
    if audio.content is None and audio.encoding is Encoding.MEDIA and audio.channel is None:
        return replace(source.source, id=number)
    suffix = ".wav"
    if audio.content is not None:  # the name comes from a stranger's table
        suffix = audio.path.suffix if _SUFFIX.fullmatch(audio.path.suffix) else ""
    path = folder / f"{number:06}-{safe_name(audio.path.stem)[:80]}{suffix}"
    try:
        _store(path, audio)
    except OSError as error:
        raise from_os_error(error, str(path)) from error
    return replace(source.source, id=number, path=path)


def _store(path: Path, audio: AudioPart) -> None:
    if audio.content is None and audio.channel is not None:
        joined_sound.write_channel(path, audio.path, audio.channel)
        return
    content = audio.content
    if content is None:
        try:
            content = files.read_regular(audio.path, _MAX_PCM_BYTES)
        except OSError as error:
            raise from_read_error(error, audio.path) from error
    if audio.encoding is Encoding.PCM_16K:
        joined_sound.write_wave(path, [content])
    else:
        path.write_bytes(content)
