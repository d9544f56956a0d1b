"""The objects in answers, by name."""

from __future__ import annotations

from qasr_cli.serving.jobs import JobState
from qasr_cli.serving.openapi.parts import Part, array, integer, nullable, number, object_of, ref, string

_SECONDS = "In seconds"


def schemas() -> dict[str, Part]:
    """Return the schemas."""
    return {**_common(), **_of_jobs(), **_of_recordings(), **_of_parts(), **_of_chat(), **_of_server()}


def _common() -> dict[str, Part]:
    error = object_of(
        {
            "message": string("What is wrong and what to do next, in one line"),
            "type": string("Such as invalid_request_error"),
            "param": nullable(string("The field that is wrong")),
            "code": nullable(string("A word for programs")),
        }
    )
    return {"Error": object_of({"error": ref("ErrorFields")}), "ErrorFields": error}


def _of_jobs() -> dict[str, Part]:
    job = object_of(
        {
            "id": string("Not to be guessed; whoever has it may read and cancel the job"),
            "status": string(enum=[state.value for state in JobState]),
            "name": string("The client's name for the recording"),
            "audio_s": number("Length of the recording; 0 until it is decoded", minimum=0),
            "speech_s": number("Seconds of speech in it", minimum=0),
            "done_s": number("Seconds of speech that are recognised", minimum=0),
            "progress": number(minimum=0, maximum=1),
            "text": string("The text so far; what is there does not change any more"),
            "language": nullable(string("Code of the language, once it is done")),
            "warnings": array(string(), "Doubtful passages and defects of the media"),
            "error": nullable(ref("ErrorFields")),
            "created": integer("Seconds since 1970"),
            "eta_s": nullable(number("Estimated seconds that are left")),
        }
    )
    return {"Job": job}


def _of_recordings() -> dict[str, Part]:
    text = {"text": string()}
    warnings = {"warnings": array(string(), "Doubtful passages and defects of the media; left out if empty")}
    language = {"language": string("English name in lower case; empty without speech")}
    codes = {"languages": array(object_of({"code": string()}), "The one that is spoken longest first")}
    duration = {"duration": number(_SECONDS)}
    usage = {"usage": ref("DurationUsage")}
    lists = {"segments": array(ref("Segment")), "words": array(ref("Word"))}
    return {
        "Transcription": object_of({**text, **language, **codes, **usage, **warnings}, ("warnings",)),
        "VerboseTranscription": object_of(
            {
                "task": string(const="transcribe"),
                **text,
                **language,
                **duration,
                **lists,
                **usage,
                **warnings,
            },
            ("segments", "words", "warnings"),
        ),
        "Alignment": object_of(
            {
                **text,
                **language,
                **duration,
                **lists,
                "unspoken": array(
                    object_of({"line": integer(), "cue": integer(), "text": string()}, ("cue",)),
                    "What of the script is not in the recording",
                ),
                **warnings,
            },
            ("segments", "warnings"),
        ),
        "Word": object_of({"word": string(), "start": number(_SECONDS), "end": number(_SECONDS)}),
        "DurationUsage": object_of({"type": string(const="duration"), "seconds": integer()}),
    }


def _of_parts() -> dict[str, Part]:
    """Return what transcripts consist of, whole or as events."""
    return {
        "Segment": object_of(
            {
                "id": integer(),
                "seek": integer(),
                "start": number(_SECONDS),
                "end": number(_SECONDS),
                "text": string("One cue's text in one line"),
                "tokens": array(integer()),
                "temperature": number(),
                "avg_logprob": number(),
                "compression_ratio": number(),
                "no_speech_prob": number(),
            },
            description="A cue. What belongs to Whisper's decoder has neutral values.",
        ),
        "TranscriptEvent": object_of(
            {
                "type": string(enum=["transcript.text.delta", "transcript.text.done"]),
                "delta": string("Text that follows what was sent before"),
                "text": string("The whole text"),
                "languages": array(object_of({"code": string()})),
                "usage": {"type": "object", "description": "Tokens"},
                "error": ref("ErrorFields"),
            },
            ("type", "delta", "text", "languages", "usage", "error"),
        ),
    }


def _of_chat() -> dict[str, Part]:
    choice = object_of(
        {
            "index": integer(),
            "message": object_of({"role": string(), "content": string()}),
            "logprobs": {"type": "null"},
            "finish_reason": string(enum=["stop", "length"]),
        }
    )
    usage = object_of({"prompt_tokens": integer(), "completion_tokens": integer(), "total_tokens": integer()})
    completion = object_of(
        {
            "id": string(), "object": string(const="chat.completion"), "created": integer(),
            "model": string(), "choices": array(choice), "usage": usage,
        }
    )  # fmt: skip
    return {"ChatCompletion": completion}


def _of_server() -> dict[str, Part]:
    language = object_of({"code": string(), "name": string()})
    model = object_of(
        {
            "id": string(), "object": string(const="model"), "created": integer(), "owned_by": string(),
            "languages": array(language),
        },
        ("languages",),
    )  # fmt: skip
    state = string(enum=["loading", "ready", "draining", "failed"])
    status = object_of(
        {
            "version": string(), "state": state, "model": string(), "waiting_audio_s": number(),
            "recordings": integer("Recordings that are not done"),
            "live_sessions": integer("Live sessions"), "rtfx": nullable(number("Measured speed")),
        }
    )  # fmt: skip
    detected = object_of(
        {
            "detected_language": string("Whisper's name"), "language_code": string("Whisper's code"),
            "confidence": number(minimum=0, maximum=1),
        }
    )  # fmt: skip
    return {
        "Model": model,
        "Models": object_of({"object": string(const="list"), "data": array(ref("Model"))}),
        "Health": object_of({"status": state}),
        "Status": status,
        "DetectedLanguage": detected,
    }
