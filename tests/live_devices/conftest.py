"""A sound server of our own with a sink of silence, whose monitor is a microphone: no hardware is needed."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

RATE_HZ = 16_000


class SoundServer:
    """A PulseAudio on a socket of its own."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "native"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        modules = (
            f"module-native-protocol-unix socket={self._socket}",
            "module-null-sink sink_name=hall sink_properties=device.description=Hall",
            "module-remap-source source_name=mic master=hall.monitor "
            "source_properties=device.description=Lectern",
        )
        loads = [part for module in modules for part in ("-L", module)]
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", *loads]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(100):
            if "mic" in self.control("list", "short", "sources"):
                return
            time.sleep(0.1)
        raise AssertionError("pulseaudio does not answer")

    def stop(self) -> None:
        """End it at once, as a device that is pulled out."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def control(self, *arguments: str) -> str:
        """Return what `pactl` prints."""
        done = subprocess.run(
            ["pactl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        return done.stdout

    @contextmanager
    def playing(self, samples: np.ndarray) -> Iterator[None]:
        """Play `int16[n_samples]` at 16 kHz into the sink, from the begin of a block to its end."""
        form = ["--raw", "--format=s16le", f"--rate={RATE_HZ}", "--channels=1", "--latency-msec=50"]
        with subprocess.Popen(["pacat", "--device=hall", *form], stdin=subprocess.PIPE) as player:
            thread = threading.Thread(target=_write, args=(player, samples.tobytes()))
            thread.start()
            try:
                yield
            finally:
                player.kill()
                thread.join()


def _write(player: subprocess.Popen[bytes], content: bytes) -> None:
    assert player.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        player.stdin.write(content)


@pytest.fixture
def sound_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    """Start a server, and let this process and its children find it and no other."""
    for name, value in {
        "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path), "PULSE_SERVER": f"unix:{tmp_path}/native"
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    tmp_path.chmod(0o700)
    server = SoundServer(tmp_path)
    server.start()
    try:
        yield server
    finally:
        server.stop()
