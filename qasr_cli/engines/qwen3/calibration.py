"""Whether 8-bit weights change what a model writes, found on clips that travel with qasr.

In go a model and a function that recognises the clips in a format; out comes a `Verdict`, kept in the cache
for this model, CPU and version. The clips are 12 whole sentences of `samples/`, four each in English, Spanish
and Korean (`python -m tools.make_calibration`). Equal answers to them are evidence and no proof: rounding can
still turn a close decision elsewhere. Never decides without a cache to keep the verdict in.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from qasr_cli.engines import cache_files
from qasr_cli.engines.cpu import attention_kernel, cpu_format
from qasr_cli.engines.device import Placement
from qasr_cli.engines.model_store import StoredModel
from qasr_cli.engines.qwen3 import ima_adpcm
from qasr_cli.engines.qwen3.tensors import identity, packed_weights
from qasr_cli.version import __version__

logger = logging.getLogger(__name__)

CLIPS_FILE = "calibration.npz"
Answers = Callable[[int | None], list[list[int]]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answers of a model with 8-bit weights, compared with those without.

    Attributes:
        n_clips: Clips that were compared; 0 if there is no verdict.
        n_equal: Clips with the same tokens in both.
        n_tokens: Tokens without 8-bit weights, of all clips.
    """

    n_clips: int
    n_equal: int
    n_tokens: int

    @property
    def is_equal(self) -> bool:
        """Whether every clip has the same tokens; a model that writes none proves nothing."""
        return 0 < self.n_clips == self.n_equal and self.n_tokens >= self.n_clips


_NONE = Verdict(0, 0, 0)


def clips() -> list[np.ndarray]:
    """Return the clips, `int16[n_samples]` at 16 kHz, 2 to 4 s each."""
    with (files("qasr_cli.engines.qwen3") / CLIPS_FILE).open("rb") as file, np.load(file) as stored:
        codes, n_samples = stored["codes"], stored["n_samples"]
    return [row[:n] for row, n in zip(ima_adpcm.decode(codes), n_samples.tolist(), strict=True)]


def verdict(stored: StoredModel, placement: Placement, bits: int, answers: Answers) -> Verdict:
    """Return the verdict about a model's 8-bit weights: the cache's, or that of recognising the clips twice.

    Args:
        stored: The model.
        placement: Where it runs, without 8-bit weights.
        bits: Bits of an activation in 8-bit weights (`int8_linear.exact_int8`).
        answers: Returns the tokens of each clip, with so many bits or, for None, without 8-bit weights. It is
            not called if the cache cannot be written: every start would recognise the clips again.

    Raises:
        OSError: The model's files cannot be read.
    """
    key = _key(stored, placement, bits)
    name = _file(stored, key)
    found = _stored(name, key)
    if found is not None:
        return found
    if not cache_files.write_json(name, {"key": key}):
        logger.debug("no verdict on int8: it could not be kept")
        return _NONE
    found = compare(answers(None), answers(bits))
    logger.debug("int8 weights of %s: %s", stored.id, found)
    cache_files.write_json(name, {"key": key, "verdict": asdict(found)})
    if not found.is_equal:
        packed_weights.remove(stored)  # hundreds of megabytes that nobody asks for
    return found


def known_verdict(stored: StoredModel, placement: Placement, bits: int) -> Verdict | None:
    """Return the cache's verdict, if it has one; arguments and errors as those of :func:`verdict`."""
    key = _key(stored, placement, bits)
    return _stored(_file(stored, key), key)


def _file(stored: StoredModel, key: str) -> str:
    return f"verdict-{identity.slug(stored)}-{key[:16]}.json"


def compare(plain: list[list[int]], int8: list[list[int]]) -> Verdict:
    """Return how many answers are the same, token for token."""
    n_equal = sum(one == other for one, other in zip(plain, int8, strict=True))
    return Verdict(len(plain), n_equal, sum(map(len, plain)))


def _key(stored: StoredModel, placement: Placement, bits: int) -> str:
    """Return a digest of all that a verdict depends on."""
    content = (files("qasr_cli.engines.qwen3") / CLIPS_FILE).read_bytes()
    facts = (
        *(__version__, stored.id, identity.digest(stored.folder), str(placement), str(bits)),
        *(cpu_format.machine_key(), attention_kernel.library(), hashlib.sha256(content).hexdigest()),
    )
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _stored(name: str, key: str) -> Verdict | None:
    content: Any = cache_files.read_json(name)
    if not isinstance(content, dict) or content.get("key") != key:
        return None
    try:
        found = Verdict(**content["verdict"])
    except (LookupError, TypeError):  # it is missing, since that start was killed, or damaged
        return None
    numbers = (found.n_clips, found.n_equal, found.n_tokens)
    is_sound = all(type(number) is int for number in numbers) and 0 <= found.n_equal <= found.n_clips
    return found if is_sound else None
