"""Files made to harm: nothing else is opened, nothing runs away, and every end is one printable line."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.errors import InputOutputError, UndecodableError
from qasr_cli.media import decode, process
from qasr_cli.media import ffmpeg as tools
from qasr_cli.options import MediaOptions
from tests.e2e.conftest import ECHO, Qasr, environment
from tests.media_factory import ffmpeg, find_clicks_ms, make_click, make_noise

_IN_OPEN = 0x20  # linux/inotify.h


@pytest.fixture(scope="module")
def click(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_click(tmp_path_factory.mktemp("hostile") / "click.wav")


def read(path: Path) -> decode.OpenAudio:
    """Decode all of it and return the stream, its samples thrown away."""
    with decode.open_audio(path, MediaOptions()) as audio:
        for _ in audio:
            pass
        return audio


class Watched:
    """Tells whether anybody has opened a file since."""

    def __init__(self, path: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.inotify_init1(os.O_NONBLOCK)
        assert libc.inotify_add_watch(self.descriptor, os.fsencode(path), _IN_OPEN) >= 0

    @property
    def was_opened(self) -> bool:
        try:
            return bool(os.read(self.descriptor, 4096))
        except BlockingIOError:
            return False


@pytest.fixture
def secret(click: Path, tmp_path: Path) -> Path:
    """Return perfectly good media next to the hostile file: what a playlist would play."""
    ffmpeg("-i", click, "-c:a", "mp2", tmp_path / "secret.ts")
    return tmp_path / "secret.ts"


@pytest.fixture
def watched(secret: Path) -> Iterator[Watched]:
    if sys.platform != "linux":
        pytest.skip("inotify is Linux's")
    watched = Watched(secret)
    yield watched
    os.close(watched.descriptor)


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n",
    "hls, file:": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:{secret}\n#EXT-X-ENDLIST\n",
    "hls, concat:": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nconcat:{secret}|{secret}\n",
    "hls, crypto:": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\ncrypto:{secret}\n",
    "hls, http": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}a.ts\n#EXT-X-ENDLIST\n",
    "hls, key": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{url}k"\n#EXTINF:1,\nsecret.ts\n',
    "hls, master": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}b.m3u8\n",
    "ffconcat": "ffconcat version 1.0\nfile secret.ts\n",
    "ffconcat, http": "ffconcat version 1.0\nfile {url}a.ts\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP 0\n",
    "dash": '<?xml version="1.0"?><MPD profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static">'
    "<Period><AdaptationSet><Representation><BaseURL>{secret}</BaseURL></Representation></AdaptationSet>"
    "</Period></MPD>",
    "imf": '<?xml version="1.0"?><AssetMap xmlns="http://www.smpte-ra.org/schemas/429-9/2007/AM">'
    "<AssetList><Asset><ChunkList><Chunk><Path>{secret}</Path></Chunk></ChunkList></Asset></AssetList></AssetMap>",
    "m3u": "{secret}\n",
    "pls": "[playlist]\nFile1={secret}\n",
    "smil": '<smil><body><audio src="{url}a.mp3"/></body></smil>',
    "asx": '<asx version="3"><entry><ref href="{url}a.wma"/></entry></asx>',
    "asf reference": "[Reference]\nRef1={url}a.asf\n",
    "rtsptext": "rtsptext\n{url}\n",
}


@pytest.mark.parametrize("name", ["film.mp4", "song.wav", "list.m3u8"])
@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_is_refused_and_nothing_it_names_is_opened(
    secret: Path, watched: Watched, server: socket.socket, kind: str, name: str
) -> None:
    port = server.getsockname()[1]
    text = PLAYLISTS[kind].format(secret=secret, url=f"http://127.0.0.1:{port}/", port=port)
    path = secret.with_name(name)
    path.write_text(text)
    with pytest.raises(UndecodableError, match="not media that qasr can read"):
        read(path)
    assert not watched.was_opened
    with pytest.raises(BlockingIOError):  # nobody called
        server.accept()


def test_the_watch_works(secret: Path, watched: Watched) -> None:
    """Without the cage the same playlist is played: the test above would fail."""
    playlist = secret.with_name("film.mp4")
    playlist.write_text(PLAYLISTS["ffconcat"])
    ffmpeg("-i", playlist, "-f", "null", "-")
    assert watched.was_opened


@pytest.mark.parametrize("name", ["Output #0, x.wav", "Stream mapping:.wav", "Input #0, a, from b.wav"])
def test_a_name_that_looks_like_ffmpegs_words_is_a_name(click: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(click.read_bytes())
    assert read(path).track.codec == "pcm_s16le"


def test_a_title_that_looks_like_ffmpegs_words_is_a_title(click: Path, tmp_path: Path) -> None:
    titles = [
        "Output #0, x",
        "a\n[info]   Stream #0:7: Audio: evil, 8000 Hz, mono",
        "[aac @ 0x1] [error] boo",
    ]
    for number, title in enumerate(titles):
        path = tmp_path / f"{number}.mka"
        ffmpeg("-i", click, "-metadata", f"title={title}", "-c:a", "flac", path)
        audio = read(path)
        assert (audio.track.codec, audio.warnings) == ("flac", ())


def test_a_thousand_chapters_do_not_hide_the_tracks(click: Path, tmp_path: Path) -> None:
    """An audiobook's chapters come before its tracks, and are longer than what is kept of stderr."""
    n_chapters = 2000
    chapters = (
        f"[CHAPTER]\nSTART={n}\nEND={n + 1}\ntitle=Chapter {n} {'x' * 40}\n" for n in range(n_chapters)
    )
    (tmp_path / "chapters.txt").write_text(";FFMETADATA1\n" + "".join(chapters))
    book = tmp_path / "book.m4b"
    inputs = ["-stream_loop", 20, "-i", click, "-i", tmp_path / "chapters.txt"]
    ffmpeg(*inputs, "-map_metadata", 1, "-c:a", "aac", book)
    with decode.open_audio(book, MediaOptions()) as audio:
        assert (audio.track.codec, audio.track.sample_rate_hz) == ("aac", 48_000)
        assert len(find_clicks_ms(np.concatenate(list(audio)))) == 21


def test_an_unknown_kind_of_sound_is_named(click: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd.wav"
    ffmpeg("-i", click, "-c:a", "dfpwm", path)
    with pytest.raises(UndecodableError, match="its sound is dfpwm, which qasr does not decode"):
        read(path)


def test_what_is_not_media_at_all_is_said_shortly(tmp_path: Path) -> None:
    for name, content in {"noise.mp4": os.urandom(50_000), "text.mp3": b"hello world\n" * 100}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UndecodableError) as caught:
            read(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: not media that qasr can read")


def test_a_film_without_its_end_says_what_is_missing(click: Path, tmp_path: Path) -> None:
    """An mp4 whose index comes last, half downloaded."""
    path = tmp_path / "half.mp4"
    ffmpeg("-i", click, "-c:a", "aac", path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UndecodableError, match="not media that qasr can read: moov atom not found"):
        read(path)


def test_an_encrypted_film_is_an_error_or_a_warning_but_never_silence(click: Path, tmp_path: Path) -> None:
    path = tmp_path / "drm.mp4"
    key = ["-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "00" * 16, "-encryption_kid", "11" * 16]
    ffmpeg("-i", click, "-c:a", "aac", *key, path)
    try:
        warnings = read(path).warnings
    except UndecodableError:
        return
    assert "damaged media" in warnings[0]


@pytest.fixture
def pretender(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a script that is taken for ffmpeg; what it does besides `-version` is up to the test."""
    script = tmp_path / "ffmpeg"
    monkeypatch.setenv("QASR_FFMPEG", str(script))
    tools.find_tools.cache_clear()
    yield script
    monkeypatch.undo()
    tools.find_tools.cache_clear()


def write_script(path: Path, does: str) -> None:
    path.write_text(f'#!/bin/sh\n[ "$2" = -version ] && echo ffmpeg version 0 && exit\n{does}\n')
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("kill -SEGV $$", "ffmpeg crashed (SIGSEGV)"),
        ("exit 9", "ffmpeg ended with 9"),
        ("printf '[error] a\\033[31m red\\n' >&2; exit 1", "a\\x1b[31m red"),
    ],
)
def test_how_ffmpeg_ended_is_said(click: Path, pretender: Path, does: str, reason: str) -> None:
    write_script(pretender, does)
    with pytest.raises(UndecodableError) as caught:
        read(click)
    assert str(caught.value).endswith(reason)


TWO_SECONDS = (
    "printf '[info] Input #0, wav, from x\\n[info]   Stream #0:0: Audio: flac, 48000 Hz, mono\\n"
    "[info] Output #0, x\\n' >&2; head -c 64000 /dev/zero; "
)


def test_a_crash_half_way_keeps_what_there_is(click: Path, pretender: Path) -> None:
    write_script(pretender, f"{TWO_SECONDS}kill -ABRT $$")
    assert read(click).warnings == ("damaged media, decoded to 00:00:02: ffmpeg crashed (SIGABRT)",)


@pytest.mark.parametrize("does", [TWO_SECONDS, "", "printf '[info] Input #0, wav, from x\\n' >&2; "])
def test_a_killed_ffmpeg_is_no_fault_of_the_media(
    click: Path, pretender: Path, qasr: Qasr, tmp_path: Path, does: str
) -> None:
    """The system kills what takes too much memory; what was decoded until then is not the whole."""
    write_script(pretender, f"{does}kill -KILL $$")
    env = {"QASR_FFMPEG": str(pretender)}
    result = qasr("transcribe", click, "--engine", ECHO, "-o", tmp_path / "out", env=env)
    assert result.returncode == 74, result.stderr
    assert "ffmpeg was killed (SIGKILL) before it was done" in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.glob("out/*"))


@pytest.fixture(scope="module")
def quarter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quarter of an hour: more than a pipe holds."""
    return make_click(tmp_path_factory.mktemp("quarter") / "long.flac", duration_s=900)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (signal.SIGKILL, r"killed \(SIGKILL\)"),
        (signal.SIGTERM, "interrupted"),
        (40, r"killed \(signal 40\)"),  # one without a name
    ],
)
def test_the_real_ffmpeg_ended_by_somebody_half_way(quarter: Path, number: int, reason: str) -> None:
    with decode.open_with_ffmpeg(quarter, MediaOptions()) as audio:
        samples = iter(audio)
        next(samples)
        os.kill(audio._child.process.pid, number)
        with pytest.raises(InputOutputError, match=reason):
            for _ in samples:
                pass


def test_a_stuck_ffmpeg_gives_no_short_text(
    click: Path, pretender: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_script(pretender, f"{TWO_SECONDS}exec sleep 60")
    monkeypatch.setattr(process, "_SILENCE_S", 0.5)
    with pytest.raises(UndecodableError, match="ffmpeg got stuck"):
        read(click)


FAILS = "printf '[in#0/wav @ 0x1] [error] Error during demuxing: Input/output error\\n' >&2; "


def test_a_failing_disk_gives_no_short_text(click: Path, pretender: Path, tmp_path: Path) -> None:
    """A network share that is gone for a moment: the next run reads more, and must not find it done."""
    mark = tmp_path / "mark"
    write_script(
        pretender, f"{TWO_SECONDS}[ -e {mark} ] && exec head -c 999 /dev/zero; touch {mark}; {FAILS}"
    )
    with pytest.raises(InputOutputError, match="not all of it could be read at once"):
        read(click)


def test_what_always_ends_early_is_damaged(click: Path, pretender: Path) -> None:
    write_script(pretender, f"{TWO_SECONDS}{FAILS}")
    expected = "damaged media, decoded to 00:00:02: error during demuxing: Input/output error"
    assert read(click).warnings == (expected,)


@pytest.mark.parametrize(("duration", "is_read"), [("00:00:02.00", False), ("00:00:09.00", True)])
def test_only_what_ends_early_is_read_again(
    click: Path, pretender: Path, duration: str, is_read: bool
) -> None:
    known = TWO_SECONDS.replace(
        "[info]   Stream", f"[info]   Duration: {duration}, start: 0.0\\n[info]   Stream"
    )
    write_script(pretender, f"{known}printf '[error] invalid residual\\n' >&2")
    with decode.open_audio(click, MediaOptions()) as audio:
        watched = Watched(click)
        for _ in audio:
            pass
    assert audio.warnings == ("damaged media, decoded to 00:00:02: invalid residual",)
    assert watched.was_opened is is_read


def _can_trace() -> bool:
    strace = shutil.which("strace")
    if strace is None:
        return False
    return subprocess.run([strace, "-o", os.devnull, "true"], check=False).returncode == 0


@pytest.mark.skipif(not _can_trace(), reason="no strace, which makes a disk fail")
@pytest.mark.parametrize(
    ("suffix", "first_failing"),
    [(".mp3", 8), (".flac", 8), (".wav", 1)],  # reading flac, ffmpeg does not say that it failed
)
def test_a_disk_that_fails_is_no_fault_of_the_media(tmp_path: Path, suffix: str, first_failing: int) -> None:
    path, log = make_noise(tmp_path / f"long{suffix}", 120), tmp_path / "calls"
    inject = f"inject=read:error=EIO:when={first_failing}+"
    command: list[str | Path] = [
        *("strace", "-f", "--seccomp-bpf", "-o", log, "-P", path, "-e", "trace=read", "-e", inject),
        *(sys.executable, "-m", "qasr_cli", "transcribe", path, "--engine", ECHO, "-o", tmp_path / "out"),
    ]
    result = subprocess.run(command, env=environment(), check=False, capture_output=True, text=True)
    assert "EIO (Input/output error) (INJECTED)" in log.read_text()  # or nothing has failed at all
    assert result.returncode == 74, result.stderr
    assert f"long{suffix}: Input/output error" in result.stderr
    assert not list(tmp_path.glob("out/*"))


def test_a_file_that_grows_meanwhile_is_not_whole(tmp_path: Path) -> None:
    growing = make_click(tmp_path / "growing.wav", duration_s=20)
    with decode.open_audio(growing, MediaOptions()) as audio:
        with growing.open("ab") as file:
            file.write(bytes(100))
        with pytest.raises(InputOutputError, match="changed while it was read"):
            list(audio)


def test_a_file_that_is_removed_meanwhile_is_read_to_its_end(tmp_path: Path) -> None:
    path = make_click(tmp_path / "gone.wav", duration_s=20)
    with decode.open_audio(path, MediaOptions()) as audio:
        path.unlink()
        assert sum(map(len, audio)) == 20 * 16_000
        assert audio.warnings == ()
