"""A network stream as an input: RTSP, SRT, HLS, MPEG-TS over UDP, Icecast and other media over HTTP.

In goes a checked address; out come samples, and the time that passed while the stream was down. Media over
HTTP that comes to its end, and an HLS playlist that says so (`EXT-X-ENDLIST`), end the session; a broken
connection never does once there was sound. Media that comes faster than it is spoken is read at the speed of
speech, half a minute ahead. Shows no more of an address than its name.
"""

from __future__ import annotations

import logging
import re
import ssl
import time
from collections.abc import Iterator

import numpy as np

from qasr_cli.errors import QasrError, UnavailableError, UndecodableError
from qasr_cli.hooks.address import without_secrets
from qasr_cli.live.inputs.addresses import StreamAddress
from qasr_cli.live.inputs.reconnecting import Reconnecting
from qasr_cli.live.protocols import Missing
from qasr_cli.media import live_arguments
from qasr_cli.media.live_stream import Command, LiveStream
from qasr_cli.timebase import SAMPLE_RATE_HZ

WAIT_S = 10.0  # for an answer, and for more of a stream that has begun
_SILENCE_S = 30.0
# A playlist may stand still for a while, and goes on by itself; a new start would repeat its last segment.
_PLAYLIST_SILENCE_S = 300.0
_LONGEST_PAUSE_S = 10.0
# A station sends some seconds at once, so that players begin; a server of files sends all.
_AHEAD_S = 30.0
_ENDING = {"http", "https"}  # others have no end, only a server that is gone
# A playlist may name what its scheme does not allow: files, other protocols.
_OTHER_PROTOCOL = re.compile(
    r"Protocol '(?P<one>[a-z]+)' not on whitelist|URL (?P<other>[a-z]+):\S* is not in allowed"
    r"|[Ff]ilename extension of '(?P<key>file):"
)
_NOT_MEDIA = re.compile(r"invalid data found|matches no streams|does not contain any stream", re.I)
_NO_PROTOCOL = re.compile(r"protocol not found", re.I)  # SRT is missing in many
_OTHER_FFMPEG = "install ffmpeg with your system's packages, or set QASR_FFMPEG to one with that protocol"
_ABRUPT = re.compile(r"ends prematurely", re.I)

_log = logging.getLogger(__name__)


class NetworkStream:
    """A live input; see `LiveInput`."""

    is_real_time = True
    lost = "the stream was down"

    def __init__(self, address: StreamAddress) -> None:
        self.name = address.name
        self._address = address
        authorities = ssl.get_default_verify_paths().cafile
        arguments = live_arguments.address(address.url, WAIT_S, authorities)
        silence_s = _PLAYLIST_SILENCE_S if live_arguments.is_playlist(address.url) else _SILENCE_S
        # For what a playlist names, which does not get the options
        environment = {"SSL_CERT_FILE": authorities} if authorities else {}
        command = Command(arguments, silence_s, environment)
        self._began_s = 0.0
        self._stream = Reconnecting(self, command, _LONGEST_PAUSE_S)

    def blocks(self) -> Iterator[np.ndarray | Missing]:
        """Yield the samples.

        Raises:
            UnavailableError: No server answers, or it refuses.
            UndecodableError: It does not send media with sound, or a playlist that names local files.
        """
        self._began_s = time.monotonic()
        blocks = self._stream.blocks()
        return self._paced(blocks) if self._address.scheme in _ENDING else blocks

    def stop(self) -> None:
        """End the iterator soon."""
        self._stream.stop()

    def _paced(self, blocks: Iterator[np.ndarray | Missing]) -> Iterator[np.ndarray | Missing]:
        """Yield the blocks, and let the server wait while too much has come before its time."""
        ahead_s, last_s = 0.0, time.monotonic()
        for block in blocks:
            now_s = time.monotonic()
            ahead_s = max(0.0, ahead_s - (now_s - last_s))
            last_s = now_s
            if not isinstance(block, Missing):
                ahead_s += len(block) / SAMPLE_RATE_HZ
            yield block
            if ahead_s > _AHEAD_S:
                self._stream.wait(ahead_s - _AHEAD_S)

    def arrived(self, stream: LiveStream) -> None:
        """Refuse a playlist that names what is not opened."""
        self._refuse_other_protocols(stream)
        _log.info("%s: connected", self.name)

    def has_ended(self, reason: str) -> bool:
        """Whether media has come to its end."""
        return not reason and self._address.scheme in _ENDING

    def failed(self, reason: str, stream: LiveStream) -> QasrError:
        """Return the error of an address that has given no sound."""
        self._refuse_other_protocols(stream)
        if _NO_PROTOCOL.search(reason):
            return UnavailableError(
                f"{self.name}: this ffmpeg cannot open {self._address.scheme}", _OTHER_FFMPEG
            )
        if time.monotonic() - self._began_s >= WAIT_S:
            reason = f"no sound within {WAIT_S:g} seconds"
        elif _NOT_MEDIA.search(reason):
            return UndecodableError(
                f"{self.name}: no media with sound at this address", "check the address with a media player"
            )
        return UnavailableError(
            f"{self.name}: {self.plain(reason) or 'no sound'}",
            "check the address and that the stream is on, then run the same command again",
        )

    def plain(self, reason: str) -> str:
        """Return a reason of ffmpeg without addresses."""
        if _ABRUPT.search(reason):
            return "the connection was closed"
        return without_secrets(reason.rsplit(": ", 1)[-1])

    def _refuse_other_protocols(self, stream: LiveStream) -> None:
        found = _OTHER_PROTOCOL.search(stream.stderr_text)
        if found:
            protocol = found["one"] or found["other"] or found["key"]
            what = "a local file" if protocol == "file" else f"an address of scheme {protocol}"
            raise UndecodableError(
                f"{self.name}: its playlist names {what}, which is not opened",
                "give an address whose playlist has addresses of the same kind",
            )
