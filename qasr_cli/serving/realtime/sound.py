"""The sound of a client: base64 in its events becomes samples of 16 kHz.

In go texts of base64; out come `int16` blocks. A sample may be cut in two by the end of an event. G.711 is
what telephones speak (ITU-T G.711), eight bits a sample at 8 kHz.
"""

from __future__ import annotations

import base64
import binascii
from enum import StrEnum

import numpy as np

from qasr_cli.serving.resampling import Resampler

G711_RATE_HZ = 8_000


class Encoding(StrEnum):
    """How samples are written; the values are OpenAI's."""

    PCM = "audio/pcm"
    U_LAW = "audio/pcmu"
    A_LAW = "audio/pcma"


def _u_law() -> np.ndarray:
    """Return the sample of each byte: 4 bits of mantissa, 3 of exponent, a sign, all inverted."""
    code = ~np.arange(256) & 0xFF
    size = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -size, size).astype(np.int16)


def _a_law() -> np.ndarray:
    """Return the sample of each byte; every second bit is inverted."""
    code = np.arange(256) ^ 0x55
    exponent, size = (code & 0x70) >> 4, ((code & 0x0F) << 4) + 8
    size = np.where(exponent > 0, size + 0x100 << np.maximum(exponent - 1, 0), size)
    return np.where(code & 0x80, size, -size).astype(np.int16)


_TABLES = {Encoding.U_LAW: _u_law(), Encoding.A_LAW: _a_law()}


class Sound:
    """The sound of one session.

    Args:
        encoding: How samples are written.
        rate_hz: Their rate, one of `resampling.RATES_HZ`.
    """

    def __init__(self, encoding: Encoding, rate_hz: int) -> None:
        self._table = _TABLES.get(encoding)
        self._resampler = Resampler(rate_hz)
        self._rest = b""

    def samples(self, text: str) -> np.ndarray:
        """Return `int16[n_samples]` of 16 kHz for base64.

        Raises:
            ValueError: It is no base64.
        """
        try:
            given = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise ValueError(str(error)) from error
        if self._table is not None:
            return self._resampler.feed(self._table[np.frombuffer(given, np.uint8)])
        given = self._rest + given
        n_whole = len(given) & ~1
        self._rest = given[n_whole:]
        return self._resampler.feed(np.frombuffer(given[:n_whole], "<i2").astype(np.int16))
