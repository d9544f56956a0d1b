"""A session: a loaded pair of engines, with the memory limits and notices of its use so far.

In go the engines, and a function that loads the fallback recognizer; out come both. Never changes the engines
themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from qasr_cli.errors import UnavailableError
from qasr_cli.speech.inference.memory_limit import MemoryLimit
from qasr_cli.speech.inference.protocols import Aligner, Capacity, Engines, Recognizer, SpeakerEncoder

Result = TypeVar("Result")


class Session:
    """A loaded pair of engines on one device and what changes with its use.

    One thread uses a session at a time: the engine lane's in a run, or with replicas the one of its device.
    So it needs no lock. Other threads may read `engines`, which never changes.

    Args:
        engines: The pair.
        load_fallback: Loads the fallback recognizer for flagged chunks; None if there is none.
        replicas: Sessions of the same models on further devices. A notice is new in one of them only.
        load_speaker_encoder: Loads the encoder of voices; None if there is none but the engine's own.

    Attributes:
        recognizer_limit: The batch limit learnt for the recognizer from its out-of-memory errors.
        aligner_limit: The same for the aligner.
        replicas: As given.
        is_lost: Whether the device has failed for good; never so if it is the last one.
    """

    def __init__(
        self,
        engines: Engines,
        load_fallback: Callable[[], Engines] | None = None,
        replicas: Sequence[Session] = (),
        load_speaker_encoder: Callable[[], SpeakerEncoder] | None = None,
    ) -> None:
        self.engines = engines
        self.replicas = tuple(replicas)
        self.is_lost = False
        self.recognizer_limit = MemoryLimit()
        self.aligner_limit = MemoryLimit()
        self._load_fallback = load_fallback
        self._fallback: Session | None = None
        self._speaker_encoder = engines.speaker_encoder
        self._load_speaker_encoder = load_speaker_encoder
        self._notices: set[str] = set()
        for replica in replicas:
            replica._notices = self._notices

    @property
    def capacity(self) -> Capacity:
        """The capacity of a batch that may go to any of the devices."""
        capacities = [session.recognizer.capacity for session in (self, *self.replicas)]
        return Capacity(
            min(capacity.max_chunk_ms for capacity in capacities),
            min(capacity.max_batch_ms for capacity in capacities),
            min(capacity.max_batch_size for capacity in capacities),
        )

    @property
    def device(self) -> str:
        """The devices and their number formats as text; "" if unknown."""
        return ", ".join(filter(None, (session.engines.device for session in (self, *self.replicas))))

    @property
    def recognizer(self) -> Recognizer:
        """The pair's recognizer."""
        return self.engines.recognizer

    @property
    def aligner(self) -> Aligner | None:
        """The pair's aligner, if it has one."""
        return self.engines.aligner

    @property
    def has_fallback(self) -> bool:
        """Whether there is a fallback recognizer for flagged chunks; it may not be loaded yet."""
        return self._load_fallback is not None

    def fallback(self) -> Session:
        """Return the session of the fallback recognizer, always the same; the first call loads it.

        Raises:
            QasrError: It cannot be loaded. The caller logs that once and calls `drop_fallback`.
        """
        if self._fallback is None:
            assert self._load_fallback is not None  # noqa: S101 - implied by `has_fallback`
            self._fallback = Session(self._load_fallback())
        return self._fallback

    def drop_fallback(self) -> None:
        """Do without the fallback recognizer from here on: loading takes long, and would fail again."""
        self._load_fallback = self._fallback = None

    def speaker_encoder(self) -> SpeakerEncoder:
        """Return the encoder of voices, always the same; the first call loads it.

        Raises:
            UnavailableError: There is none, or its weights are missing.
        """
        if self._speaker_encoder is None:
            if self._load_speaker_encoder is None:
                raise UnavailableError("this engine has no speaker encoder", flag="--speakers")
            self._speaker_encoder = self._load_speaker_encoder()
        return self._speaker_encoder

    def without_aligner(self) -> Session:
        """Return a session of the recognizer alone, for chunks that the aligner fails on."""
        return Session(replace(self.engines, aligner=None))

    def is_new(self, notice: str) -> bool:
        """Whether a notice is new in this session; it counts as given from now on."""
        if notice in self._notices:
            return False
        self._notices.add(notice)
        return True


class RunOnEngine(Protocol):
    """Runs work on the engine's thread, and waits for it."""

    def __call__(self, work: Callable[[Session], Result]) -> Result:
        """Return the work's result.

        Raises:
            QasrError: The engine cannot work.
        """
