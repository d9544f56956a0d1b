"""Short FLAC decoded by one child: whatever the file and the child do, the answer is ffmpeg's."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from qasr_cli.media import decode, flac_server, plain_flac
from qasr_cli.options import MediaOptions
from tests.media_factory import ffmpeg
from tests.plain_media import answer, is_plain

N_MUTATIONS = 200
RATE_HZ = 16_000
NOISE = np.random.default_rng(7).integers(-32768, 32768, 40 * RATE_HZ).astype(np.int16)
SPEECH, _ = soundfile.read(Path(__file__).parents[2] / "samples/clips/clip-06.wav", dtype="int16")
EXTREMES = np.array([(a, b) for a in (-32768, -1, 0, 1, 32767) for b in (-32768, -1, 0, 1, 32767)], np.int16)
MD5_AT, HEADER_AT = 26, 42


@pytest.fixture(autouse=True)
def server() -> Iterator[flac_server.FlacServer]:
    with flac_server.serving(1_000):
        active = flac_server.active()
        assert active is not None
        yield active


def child_of(server: flac_server.FlacServer) -> int:
    assert server._process is not None
    return server._process.pid


def written(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ, subtype: str = "PCM_16") -> Path:
    soundfile.write(path, samples, rate_hz, format="FLAC", subtype=subtype)
    return path


def of_ffmpeg(path: Path, *how: object) -> Path:
    written(path.with_suffix(".first.flac"), SPEECH)
    ffmpeg("-i", path.with_suffix(".first.flac"), *how, path)
    return path


def changed(path: Path, edit: Callable[[bytes], bytes]) -> Path:
    path.write_bytes(edit(written(path, SPEECH).read_bytes()))
    return path


PLAIN: dict[str, Callable[[Path], Path]] = {
    "speech": lambda path: written(path, SPEECH),
    "one sample": lambda path: written(path, SPEECH[:1]),
    "whole frames": lambda path: written(path, NOISE[: 4096 * 3]),
    "frame numbers of two bytes": lambda path: written(path, NOISE),
    "stereo": lambda path: written(path, EXTREMES),
    "of ffmpeg": of_ffmpeg,
    "titled": lambda path: of_ffmpeg(path, "-metadata", "title=A talk", "-metadata", "language=ger"),
}
LEFT_TO_FFMPEG: dict[str, Callable[[Path], Path]] = {
    "8 kHz": lambda path: written(path, SPEECH, 8_000),
    "24 bits": lambda path: written(path, SPEECH, subtype="PCM_24"),
    "three channels": lambda path: written(path, np.stack([SPEECH] * 3, axis=1)),
    "a tag behind": lambda path: changed(path, lambda raw: raw + b"TAG" + bytes(125)),
    "zeros behind": lambda path: changed(path, lambda raw: raw + bytes(100)),
    "a tag before": lambda path: changed(path, lambda raw: b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + raw),
    "cut off": lambda path: changed(path, lambda raw: raw[: len(raw) // 2]),
    "its last frame cut off": lambda path: changed(path, lambda raw: raw[:-3]),
    "zeros between": lambda path: changed(path, lambda raw: raw[:9000] + bytes(300) + raw[9000:]),
    "no MD5": lambda path: changed(path, lambda raw: raw[:MD5_AT] + bytes(16) + raw[MD5_AT + 16 :]),
    "another MD5": lambda path: changed(path, lambda raw: raw[:MD5_AT] + b"x" * 16 + raw[MD5_AT + 16 :]),
    "chapters": lambda path: of_ffmpeg(
        path, "-metadata", "CHAPTER001=00:00:00.000", "-metadata", "CHAPTER001NAME=a"
    ),
    "two files": lambda path: changed(path, lambda raw: raw * 2),
    "empty": lambda path: changed(path, lambda raw: raw[:60]),
    "many blocks in its header": lambda path: changed(
        path, lambda raw: raw[:HEADER_AT] + b"\x01\0\0\0" * 99 + raw[HEADER_AT:]
    ),
}


@pytest.mark.parametrize("name", PLAIN)
def test_plain_files_need_no_ffmpeg_and_give_its_answer(tmp_path: Path, name: str) -> None:
    path = PLAIN[name](tmp_path / "a.flac")
    assert is_plain(path)
    assert answer(decode.open_audio, path) == answer(decode.open_with_ffmpeg, path)


@pytest.mark.parametrize("name", LEFT_TO_FFMPEG)
def test_what_is_unusual_is_left_to_ffmpeg(tmp_path: Path, name: str) -> None:
    assert not is_plain(LEFT_TO_FFMPEG[name](tmp_path / "a.flac"))


def test_what_is_long_is_left_to_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.flac", SPEECH)
    assert is_plain(path)
    monkeypatch.setattr(plain_flac, "_MAX_SAMPLES", len(SPEECH) - 1)
    assert not is_plain(path)


def test_of_what_is_not_plain_only_the_begin_is_read(tmp_path: Path) -> None:
    """30 MB, as an album has: reading it would take memory and a second pass."""
    path = written(tmp_path / "a.flac", SPEECH, 44_100)
    with path.open("r+b") as file:
        file.truncate(30_000_000)
    tracemalloc.start()
    try:
        assert not is_plain_flac(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_crafted_file_takes_no_time(tmp_path: Path) -> None:
    """One with as many begins of its last frame as it has room for, each with a checksum to compute."""
    path = written(tmp_path / "a.flac", SPEECH[:4096])
    head = path.read_bytes().partition(b"\xff\xf8")[0]
    for longest in (b"\0\xff\xff", b"\xff\xff\xff"):
        path.write_bytes(head[:15] + longest + head[18:] + b"\xff\xf8\xc5\x08\0" * 200_000 + b"\x01")
        began_s = time.process_time()
        assert not is_plain_flac(path)
        assert time.process_time() - began_s < 5


def is_plain_flac(path: Path) -> bool:
    return plain_flac.opened(path, MediaOptions()) is not None


def test_mutated_files_give_ffmpegs_answer(tmp_path: Path) -> None:
    chance, path, n_plain = random.Random(2026), tmp_path / "a.flac", 0
    whole = written(path, SPEECH[:20_000]).read_bytes()
    for number in range(N_MUTATIONS):
        raw = bytearray(whole)
        at = chance.randrange(90) if number % 2 else chance.randrange(len(raw))
        raw[at] ^= 1 << chance.randrange(8)
        if chance.random() < 0.2:
            del raw[chance.randrange(60, len(raw)) :]
        path.write_bytes(raw)
        if is_plain(path):  # ffmpeg's words about a damaged one differ from time to time
            n_plain += 1
            assert answer(decode.open_audio, path) == answer(decode.open_with_ffmpeg, path), at
    assert 0 < n_plain < N_MUTATIONS // 2


class TestTheChild:
    @pytest.fixture
    def clip(self, tmp_path: Path) -> Path:
        return written(tmp_path / "a.flac", SPEECH)

    def test_threads_take_turns(self, tmp_path: Path) -> None:
        clips = [written(tmp_path / f"{n}.flac", SPEECH[n * 1000 :]) for n in range(8)] * 4
        expected = [answer(decode.open_with_ffmpeg, path) for path in clips[:8]] * 4
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(lambda path: answer(decode.open_audio, path), clips)) == expected

    def test_one_that_was_killed_is_replaced(self, clip: Path, server: flac_server.FlacServer) -> None:
        expected = answer(decode.open_with_ffmpeg, clip)
        assert is_plain(clip)
        first = child_of(server)
        os.kill(first, signal.SIGKILL)
        assert answer(decode.open_audio, clip) == expected  # by ffmpeg
        assert is_plain(clip)
        assert child_of(server) != first

    def test_one_that_crashes_again_and_again_is_given_up(
        self, clip: Path, server: flac_server.FlacServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        started = tmp_path / "started"
        program = tmp_path / "child.py"
        program.write_text(f"open({str(started)!r}, 'a').write('x'); import os; os.abort()")
        monkeypatch.setattr(flac_server, "_PROGRAM", program)
        assert [is_plain(clip) for _ in range(5)] == [False] * 5
        assert server._n_failures == flac_server._MAX_FAILURES

    def test_one_that_is_stuck_is_killed(
        self, clip: Path, server: flac_server.FlacServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(flac_server, "_SILENCE_S", 5.0)
        assert is_plain(clip)
        stuck = child_of(server)
        assert server._socket is not None
        server._socket.settimeout(0.3)
        os.kill(stuck, signal.SIGSTOP)
        began = time.monotonic()
        assert answer(decode.open_audio, clip) == answer(decode.open_with_ffmpeg, clip)
        assert time.monotonic() - began < 5
        assert not Path(f"/proc/{stuck}").exists()

    def test_one_that_lies_is_replaced(
        self, clip: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: flac_server.FlacServer
    ) -> None:
        program = tmp_path / "child.py"
        lies = "s.recv(1); n = {}; s.sendall(struct.pack('<q', n) + bytes(max(0, n)))"
        begin = "import socket, struct\ns = socket.socket(fileno=0)\n"
        monkeypatch.setattr(flac_server, "_PROGRAM", program)
        for length in (2 * len(SPEECH), 1 << 62, -7):  # zeros, which have another MD5; too many; nonsense
            program.write_text(begin + lies.format(length if length < 1 << 30 else f"{length}; n = n and 5"))
            assert not is_plain(clip)
            server._stop()

    def test_it_has_the_limits_of_a_decoder(self, clip: Path, server: flac_server.FlacServer) -> None:
        assert is_plain(clip)
        limits = Path(f"/proc/{child_of(server)}/limits").read_text().splitlines()
        by_name = {line[:25].strip(): line[26:46].strip() for line in limits}
        assert by_name["Max file size"] == "0"
        assert by_name["Max open files"] == "64"
        assert by_name["Max data size"] == str(2 * 1024**3)
        assert by_name["Max core file size"] == "0"

    def test_it_has_no_file_open_but_its_socket(self, clip: Path, server: flac_server.FlacServer) -> None:
        assert is_plain(clip)
        folder = Path(f"/proc/{child_of(server)}/fd")
        opened = sorted(str(one.readlink()).split(":")[0] for one in folder.iterdir())
        assert opened == ["/dev/null", "/dev/null", "socket"]

    def test_it_ends_with_its_context(self, clip: Path, server: flac_server.FlacServer) -> None:
        assert is_plain(clip)
        pid = child_of(server)
        server.close()
        assert not Path(f"/proc/{pid}").exists()
        assert not is_plain(clip)  # nor is another one started

    def test_it_ends_when_its_parent_is_killed(self, clip: Path) -> None:
        code = (
            "import sys, time; from pathlib import Path; from qasr_cli.media import decode, flac_server\n"
            "from qasr_cli.options import MediaOptions\n"
            "with flac_server.serving(99):\n"
            f"  with decode.open_audio(Path({str(clip)!r}), MediaOptions()) as audio: list(audio)\n"
            "  print(flac_server.active()._process.pid, flush=True); time.sleep(60)"
        )
        parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert Path(f"/proc/{child}").exists()
        parent.kill()
        parent.communicate()
        ends_s = time.monotonic() + 10
        while Path(f"/proc/{child}").exists() and not _is_zombie(child) and time.monotonic() < ends_s:
            time.sleep(0.02)
        assert not Path(f"/proc/{child}").exists() or _is_zombie(child)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_few_files_are_not_worth_a_child(server: flac_server.FlacServer) -> None:
    server.close()
    flac_server._active = None
    with flac_server.serving(9):
        assert flac_server.active() is None
    with flac_server.serving(10):
        assert flac_server.active() is not None
    assert flac_server.active() is None


def test_a_forked_process_does_not_speak_into_its_parent_s_conversation(
    tmp_path: Path, server: flac_server.FlacServer
) -> None:
    path = written(tmp_path / "a.flac", SPEECH)
    assert is_plain(path)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if flac_server.active() is None and not is_plain(path) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert is_plain(path)


def test_without_its_library_ffmpeg_decodes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: flac_server.FlacServer
) -> None:
    server.close()
    monkeypatch.setattr(flac_server, "_active", None)
    monkeypatch.setattr(flac_server, "_LIBRARIES", ("soundfile_that_is_not_installed",))
    with flac_server.serving(1_000):
        assert flac_server.active() is None
        assert not is_plain(written(tmp_path / "a.flac", SPEECH))
