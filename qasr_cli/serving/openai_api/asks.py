"""What a form asks for: its fields become the options of one request.

In go the fields of a form and the options of the server, which hold for what the form does not say; out come
an `Ask` and how its answer looks. Fields that mean nothing here become warnings, unknown ones are left out.
An option of qasr has its flag's name: `profile`, `max_line_width`, `max_lines`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from qasr_cli import bounded_json, engines, languages
from qasr_cli.errors import UndecodableError
from qasr_cli.formats.readers import captions, script_reading
from qasr_cli.formats.readers.script_reading import ScriptFile
from qasr_cli.options import AlignOptions, CueOptions, DecodeOptions, Options, VadOptions
from qasr_cli.options.flag import FlagSpec, flags_of
from qasr_cli.options.speech import joined_context
from qasr_cli.options.subtitles import NO_RATE
from qasr_cli.serving.ask import Ask, Purpose
from qasr_cli.serving.http.uploads import TextFile
from qasr_cli.serving.openai_api import fields as read
from qasr_cli.serving.openai_api.answers import RESPONSE_FORMATS, UNTIMED_FORMATS, AnswerOptions
from qasr_cli.serving.openai_api.fields import Fields, invalid
from qasr_cli.subtitles.rules import limits

MAX_CONTEXT_CHARS = 32_000  # half of the models' context, in letters of one token each
STREAMED_FORMATS = ("json", "text")
ALIGNMENT_FORMATS = ("json", "verbose_json", "srt", "vtt", "tsv", "qasr_json")
_GRANULARITIES = ("segment", "word")
_ALIASES = {"max_line_count": "max_lines"}  # Whisper's name
# Beyond these, cues are no subtitles, and laying them out takes longer than the recognition.
MOST = {"max_line_width": 200, "max_words": 1_000, "min_duration": 60, "max_duration": 60, "min_gap": 10}
# Fields that are understood and have no effect, unless they have these values.
_NO_EFFECT = {
    "temperature": {"0", "0.0"},
    "repetition_penalty": {"1", "1.0"},
    "max_completion_tokens": set(),
    "known_speaker_names": set(),
    "known_speaker_references": set(),
}
_VAD_GAP = VadOptions().onset - VadOptions().offset


@dataclass(frozen=True, slots=True)
class Request:
    """What a form asks for.

    Attributes:
        ask: For the service.
        response_format: One of `answers.RESPONSE_FORMATS`.
        wanted: How the answer looks.
        is_streamed: Text is sent as soon as it is final.
        warnings: Fields without effect, one line each.
    """

    ask: Ask
    response_format: str
    wanted: AnswerOptions
    is_streamed: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the answer."""
        return {"X-Qasr-Warning": "; ".join(self.warnings)} if self.warnings else {}


def transcription(fields: Fields, options: Options, *, is_kept: bool = False) -> Request:
    """Return what a form for a transcript asks for.

    Args:
        fields: The form's fields.
        options: The server's options.
        is_kept: The result is fetched later, in any format.

    Raises:
        QasrError: A field has a value that it cannot have.
    """
    response_format = _response_format(fields, RESPONSE_FORMATS)
    is_streamed = read.switch(fields, "stream") and not is_kept
    if is_streamed and response_format not in STREAMED_FORMATS:
        raise invalid("stream", f"there is no stream of {response_format}", "leave stream out, or take json")
    _refuse_logprobs(fields)
    is_aligned = options.align.is_enabled and (is_kept or response_format not in UNTIMED_FORMATS)
    chosen = replace(
        options,
        decode=_decode(fields, options.decode),
        vad=_vad(fields, options.vad),
        align=AlignOptions(is_enabled=is_aligned),
    )
    engines.refuse_unknown_languages(chosen.engine, chosen.decode)
    wanted = answer_options(fields, options)
    warnings = _warnings(fields, response_format)
    return Request(Ask(chosen, is_kept=is_kept), response_format, wanted, is_streamed, warnings)


def alignment(
    fields: Fields, texts: Mapping[str, TextFile], options: Options, *, is_kept: bool = False
) -> Request:
    """Return what a form with a script asks for; see `transcription`.

    Raises:
        QasrError: There is no script, or a field has a value that it cannot have.
    """
    response_format = _response_format(fields, ALIGNMENT_FORMATS)
    chosen = replace(options, decode=_decode(fields, options.decode))
    engines.refuse_unknown_languages(chosen.engine, chosen.decode)
    script = _script(fields, texts, chosen.decode.language)
    ask = Ask(chosen, Purpose.ALIGN, script, is_kept=is_kept)
    return Request(ask, response_format, answer_options(fields, options), warnings=_warnings(fields, ""))


def answer_options(fields: Fields, options: Options) -> AnswerOptions:
    """Return how an answer looks, by the fields of a form or a query and the options of the server.

    Raises:
        QasrError: A field has a value that it cannot have.
    """
    granularities = read.texts(fields, "timestamp_granularities") or ["segment"]
    for value in granularities:
        read.one_of("timestamp_granularities", value, _GRANULARITIES)
    default = options.output.highlight_words
    is_highlighting = read.switch(fields, "highlight_words", default=default)
    return AnswerOptions(
        _cue(fields, options.cue),
        replace(options.output, highlight_words=is_highlighting),
        has_segments="segment" in map(str.lower, granularities),
        has_words="word" in map(str.lower, granularities),
    )


def response_format_of(fields: Fields) -> str:
    """Return the response format in the fields of a form or a query.

    Raises:
        ApiError: There is no such format.
    """
    return _response_format(fields, RESPONSE_FORMATS)


def _response_format(fields: Fields, formats: tuple[str, ...]) -> str:
    if read.text(fields, "response_format").lower() == "diarized_json":
        raise invalid("response_format", "qasr does not tell speakers apart", "take verbose_json")
    return read.choice(fields, "response_format", formats, "json")


def _refuse_logprobs(fields: Fields) -> None:
    for value in read.texts(fields, "include"):
        raise invalid("include", f"qasr has no {read.shown(value)}", "leave include out")


def _decode(fields: Fields, default: DecodeOptions) -> DecodeOptions:
    """Return the model's prompt: what the form says, else what the server's options say."""
    language, choices = default.language, default.languages
    if "languages" in fields:
        named = [_language("languages", spelling) for spelling in read.texts(fields, "languages")]
        choices = tuple(dict.fromkeys(code for code in named if code))
        language = choices[0] if len(choices) == 1 else None
    if "language" in fields:
        language = _language("language", read.text(fields, "language"))
        if language not in choices and "languages" not in fields:
            choices = ()
    if language and choices and language not in choices:
        raise invalid("language", f"{language} is not one of languages", "leave one of the fields out")
    terms = [*read.texts(fields, "keywords"), *read.text(fields, "hotwords").splitlines()]
    context = joined_context(read.text(fields, "prompt"), terms)
    if len(context) > MAX_CONTEXT_CHARS:
        raise invalid("prompt", f"it has more than {MAX_CONTEXT_CHARS:,} characters", "leave some of it out")
    return replace(default, language=language, languages=choices, context=context or default.context)


def _language(field: str, spelling: str) -> str | None:
    read.word(field, spelling)
    found = languages.parse(spelling) if field == "language" else languages.find(spelling)
    if found is None and field == "languages":
        raise invalid(
            field, f"there is no language {read.shown(spelling)}", "give codes such as en, or names"
        )
    return found.code if found else None


def _vad(fields: Fields, default: VadOptions) -> VadOptions:
    """Return the options of speech detection, by `chunking_strategy` in each of its three spellings.

    Its threshold is the detector's. Its padding and silence say where to cut, which qasr decides itself.
    """
    strategy: dict[str, Any] = {
        name.partition("[")[2].rstrip("]"): read.text(fields, name)
        for name in fields
        if name.startswith("chunking_strategy[")
    }
    whole = read.text(fields, "chunking_strategy")
    if whole.startswith("{"):
        strategy |= _object("chunking_strategy", whole)
    elif whole:
        strategy.setdefault("type", whole)
    kind = str(strategy.get("type", "auto"))
    read.one_of("chunking_strategy", kind, ("auto", "server_vad"))
    if strategy.get("threshold") in {None, ""}:
        return default
    threshold = {"threshold": [str(strategy["threshold"])]}
    onset = read.number(threshold, "threshold", 0.01, 0.99) or default.onset
    return replace(default, onset=onset, offset=max(onset / 2, onset - _VAD_GAP))


def _object(field: str, value: str) -> dict[str, Any]:
    try:
        parsed = bounded_json.loads(value)
    except ValueError as error:
        raise invalid(field, "it is not JSON") from error
    return {str(key): item for key, item in parsed.items() if not isinstance(item, dict | list)}


def _cue(fields: Fields, default: CueOptions) -> CueOptions:
    """Return the limits of cues; a field for each flag of qasr, in its units."""
    plain = {_ALIASES.get(name, name): values for name, values in fields.items()}
    given = {
        name: _converted(flag, text)
        for name, flag in flags_of(CueOptions).items()
        if (text := read.text(plain, flag.key))
    }
    if not given:
        return default
    if "frame_rate" in given:
        given["is_frame_true"] = read.text(plain, "fps").lower() != NO_RATE
    options = replace(default, **given)
    limits.resolve(options, None)  # limits that contradict each other are refused before any work
    return options


def _converted(flag: FlagSpec, value: str) -> Any:
    if flag.kind in {int, float}:
        most = MOST.get(flag.key, 1_000)
        parsed = read.number({flag.key: [value]}, flag.key, 0, most)
        if flag.kind is int and parsed != int(parsed or 0):
            raise invalid(flag.key, f"{read.shown(value)} is not a whole number")
        return flag.convert(parsed) if flag.convert else flag.kind(parsed or 0)
    read.word(flag.key, value)
    return flag.convert(value) if flag.convert else value


def _script(fields: Fields, texts: Mapping[str, TextFile], language: str | None) -> ScriptFile:
    """Return the script: a file in any encoding, or the text of a field.

    Raises:
        ApiError: There is none.
        UndecodableError: It has no words, is a damaged subtitle file, or not a text.
    """
    for name in ("script", "text"):
        if name in texts:
            file = texts[name]
            decoded = captions.decode(file.data, file.name, "", language)
            if decoded.loss:
                raise UndecodableError(f"{name}: {decoded.loss}", "save it as UTF-8")
            return script_reading.parse_script(decoded.text, file.name, language)
        if read.text(fields, name):
            return script_reading.parse_script(read.text(fields, name), "", language)
    raise invalid("text", "the form has no script", "send the spoken words as the field `text`")


def _warnings(fields: Fields, response_format: str) -> tuple[str, ...]:
    read.number(fields, "temperature", 0, 2)
    ignored = [
        name
        for name, usual in _NO_EFFECT.items()
        if read.text(fields, name) and read.text(fields, name) not in usual
    ]
    lines = [f"{name} has no effect" for name in ignored]
    if "timestamp_granularities" in fields and response_format not in {"verbose_json", ""}:
        lines.append("timestamp_granularities has no effect without response_format verbose_json")
    return tuple(lines)
