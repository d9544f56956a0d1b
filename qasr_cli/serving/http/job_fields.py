"""A job as its clients get it: its state, how far it is, and the text that is final."""

from __future__ import annotations

from qasr_cli.serving.http import failures
from qasr_cli.serving.jobs import Job, JobState


def of_job(job: Job, speed: float) -> dict[str, object]:
    """Return the fields of a job.

    Args:
        job: The job.
        speed: Seconds of audio that the server recognises in a second.
    """
    left_s = max(0, job.speech_ms - job.done_ms) / 1000
    progress = 1.0 if job.state is JobState.DONE else job.done_ms / max(1, job.speech_ms)
    return {
        "id": job.id,
        "status": job.state.value,
        "name": job.name,
        "audio_s": job.audio_ms / 1000,
        "speech_s": job.speech_ms / 1000,
        "done_s": job.done_ms / 1000,
        "progress": round(min(1.0, progress), 3),
        "text": job.text if job.result is None else job.result.transcript.text,
        "language": None if job.result is None else job.result.language,
        "warnings": [] if job.result is None else list(job.result.warnings),
        "error": None if job.error is None else failures.body_of(job.error)["error"],
        "created": round(job.created_s),
        "eta_s": round(left_s / speed, 1) if job.state is JobState.RECOGNIZING else None,
    }
