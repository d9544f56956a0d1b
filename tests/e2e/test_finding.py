"""Finding work through a real process: lists, parts, previews, bad input, idle passes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qasr_cli.media import signatures
from tests import union_mount
from tests.e2e.conftest import CLIP, ECHO, ROOT, Qasr, environment
from tests.e2e.test_schemas import complaints
from tests.media_factory import ffmpeg
from tests.permissions import obey_permissions

HEAVY = "torch", "transformers", "onnxruntime", "silero_vad"


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Return a folder of three clips in the folder that `qasr` runs in."""
    for name in ("a.wav", "b.wav", "sub/c.wav"):
        path = tmp_path / "clips" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CLIP, path)
    return tmp_path / "clips"


def results(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.srt"))


def test_a_list_on_stdin_keeps_its_folders(qasr: Qasr, clips: Path) -> None:
    result = qasr(
        *("transcribe", "--files-from", "-", "-o", "out", "--engine", ECHO),
        stdin=b"clips/a.wav\nclips/sub/c.wav\n",
    )
    assert result.returncode == 0, result.stderr
    assert results(clips.parent / "out") == ["clips/a.srt", "clips/sub/c.srt"]


def test_a_name_that_is_not_there_does_not_stop_the_rest(qasr: Qasr, clips: Path) -> None:
    (clips.parent / "list").write_bytes(b"clips/gone.wav\nclips/a.wav\n")
    result = qasr("transcribe", "--files-from", "list", "--engine", ECHO)
    assert result.returncode == 3
    assert "gone.wav: no such file" in result.stderr
    assert results(clips) == ["a.srt"]
    again = qasr("transcribe", "--files-from", "list", "--engine", "no.such:thing")
    assert (again.returncode, "1 skipped, 1 failed" in again.stderr) == (3, True)


@pytest.mark.parametrize(
    ("inputs", "code"),
    [(["clips"], 3), (["clips/a.wav", "clips/b.wav", "clips/sub"], 3), (["clips/sub"], 74)],
)
def test_a_folder_that_cannot_be_read_stops_no_other(
    qasr: Qasr, clips: Path, inputs: list[str], code: int
) -> None:
    (clips / "sub").chmod(0)
    try:
        done = qasr("transcribe", *inputs, "-r", "--engine", ECHO, prepare=obey_permissions)
    finally:
        (clips / "sub").chmod(0o700)
    assert done.returncode == code, done.stderr
    assert "reading folder clips/sub: Permission denied; check the folder" in done.stderr
    assert results(clips) == (["a.srt", "b.srt"] if code == 3 else [])


def test_names_with_newlines_and_other_bytes(qasr: Qasr, clips: Path) -> None:
    names = [b"new\nline.wav", b"latin-\xe9.wav", b"-y.wav", b"\xed\x95\x9c.wav"]
    for name in names:
        shutil.copy2(CLIP, clips / os.fsdecode(name))
    listed = b"\0".join(b"clips/" + name for name in names)
    result = qasr("transcribe", "--files-from", "-", "-0", "--engine", ECHO, stdin=listed)
    assert result.returncode == 0, result.stderr
    written = {os.fsencode(path.name) for path in clips.glob("*.srt")}
    assert written == {name.replace(b".wav", b".srt") for name in names}
    assert len(result.stderr.splitlines()) == 6  # four files, the summary, the quality
    preview = qasr("transcribe", clips, "--dry-run")
    assert len(preview.stdout.splitlines()) == 6


def test_a_pattern_that_no_shell_has_expanded(qasr: Qasr, clips: Path) -> None:
    assert qasr("transcribe", "clips/**/*.wav", "--engine", ECHO, "--exclude", "b*").returncode == 0
    assert results(clips) == ["a.srt", "sub/c.srt"]


def test_several_machines_share_a_folder(qasr: Qasr, clips: Path) -> None:
    done: list[list[str]] = []
    for part in (1, 2):
        folder = f"out-{part}"
        arguments = ("transcribe", clips, "-r", "--shard", f"{part}/2", "-o", folder, "--engine", ECHO)
        assert qasr(*arguments).returncode == 0
        done.append(results(clips.parent / folder))
    assert sorted(done[0] + done[1]) == ["a.srt", "b.srt", "sub/c.srt"]


def test_a_limit_gets_through_a_folder_night_by_night(qasr: Qasr, clips: Path) -> None:
    for n_done in (2, 3, 3):
        result = qasr("transcribe", clips, "-r", "--limit", 2, "--engine", ECHO, "--json-lines")
        assert len(result.stdout.splitlines()) == 2  # on stdout nothing is ever done
        assert qasr("transcribe", clips, "-r", "--limit", 2, "--engine", ECHO).returncode == 0
        assert len(results(clips)) == n_done


def test_what_still_changes_is_left_to_a_later_run(qasr: Qasr, clips: Path) -> None:
    (clips / "b.wav").touch()
    result = qasr("transcribe", clips, "--settle", 60, "--engine", ECHO)
    assert result.returncode == 0
    assert "b.wav: unsettled: changed" in result.stderr
    assert results(clips) == ["a.srt"]
    (clips / "b.wav").touch()
    assert qasr("transcribe", clips, "--engine", ECHO).returncode == 0
    assert results(clips) == ["a.srt", "b.srt"]


def test_a_file_that_grows_is_not_taken_from_a_folder(qasr: Qasr, clips: Path) -> None:
    program = "import sys, time\nwhile True:\n    open(sys.argv[1], 'ab').write(b'x')\n    time.sleep(0.1)"
    writer = subprocess.Popen([sys.executable, "-c", program, clips / "b.wav"])
    try:
        time.sleep(0.5)
        result = qasr("transcribe", clips, "--engine", ECHO)
    finally:
        writer.kill()
        writer.wait()
    assert (result.returncode, results(clips)) == (0, ["a.srt"])
    assert "b.wav: unsettled: still changing" in result.stderr


def test_media_is_known_by_its_content(qasr: Qasr, clips: Path) -> None:
    shutil.copy2(CLIP, clips / "voice memo")
    (clips / "notes").write_text("no media")
    (clips / "index.ts").write_text("export {};\n")
    result = qasr("transcribe", clips, "--engine", ECHO)
    assert result.returncode == 0, result.stderr
    assert results(clips) == ["a.srt", "b.srt", "voice memo.srt"]


@pytest.mark.parametrize(
    ("suffix", "coding"),
    [
        *(("mp4", "aac"), ("mov", "aac"), ("m4a", "alac"), ("mkv", "flac"), ("webm", "libopus")),
        *(("ogg", "libvorbis"), ("wav", "pcm_s16le"), ("w64", "pcm_s16le"), ("flac", "flac")),
        *(("mp3", "libmp3lame"), ("mp2", "mp2"), ("aac", "aac"), ("ac3", "ac3"), ("ts", "aac")),
        *(("m2ts", "ac3"), ("mpg", "mp2"), ("avi", "mp2"), ("flv", "aac"), ("wma", "wmav2")),
        *(("aiff", "pcm_s16be"), ("caf", "pcm_s16le"), ("au", "pcm_s16be"), ("wv", "wavpack")),
        *(("tta", "tta"), ("mxf", "pcm_s16le"), ("wtv", "mp2"), ("voc", "pcm_u8"), ("dv", "pcm_s16le")),
        *(("eac3", "eac3"), ("dts", "dca"), ("mlp", "mlp"), ("thd", "truehd"), ("latm", "aac")),
        *(("rm", "ac3"), ("aifc", "pcm_s16be"), ("3gp", "aac"), ("f4v", "aac")),
    ],
)
def test_the_first_bytes_of_what_ffmpeg_writes(tmp_path: Path, suffix: str, coding: str) -> None:
    path = tmp_path / f"x.{suffix}"
    size = {"mxf": "64x64", "dv": "720x576"}.get(suffix)
    picture = ("-f", "lavfi", "-i", f"color=size={size}:rate=25") if size else ()
    plain: tuple[object, ...] = ("-id3v2_version", 0, "-write_xing", 0) if suffix == "mp3" else ()
    rate = ("-ar", 48_000) if suffix in {"mxf", "webm", "dv", "mlp", "thd"} else ()
    plain += ("-strict", "-2") if coding in {"dca", "mlp", "truehd"} else ()
    plain += ("-ac", 2, "-pix_fmt", "yuv420p") if suffix == "dv" else ()
    ffmpeg("-i", CLIP, *picture, "-t", 1, "-c:a", coding, *rate, *plain, path)
    head = path.read_bytes()[: signatures.HEAD_BYTES]
    assert signatures.is_media(head)
    assert not signatures.is_text(head)


@pytest.mark.parametrize("path", ["README.ko.md", "docs/qasr.png", "tests/golden/korean.json"])
def test_the_first_bytes_of_what_is_no_media(path: str) -> None:
    head = (ROOT / path).read_bytes()[: signatures.HEAD_BYTES]
    assert not signatures.is_media(head)
    assert signatures.is_text(head) == (not path.endswith("png"))


def test_a_preview_says_what_would_happen_and_does_nothing(qasr: Qasr, clips: Path) -> None:
    (clips / "b.srt").touch()
    (clips / "a.mkv").write_bytes(CLIP.read_bytes())
    os.utime(clips / "a.mkv", (0, 0))
    before = sorted(clips.rglob("*"))
    result = qasr("transcribe", clips, "-r", "--dry-run", "--exclude", "sub", "--engine", "no.such:thing")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        f"would transcribe a.mkv -> {clips}/a.srt",
        "would fail a.wav: a.mkv is transcribed to the same a.srt; rename one of the two, or run them with "
        "different -o DIR",
        "would skip b.wav: its outputs exist (--overwrite replaces them)",
        "would skip sub/c.wav: excluded by sub",
    ]
    assert sorted(clips.rglob("*")) == before
    assert qasr("transcribe", "-", "--dry-run").stdout == "would transcribe stdin -> stdout\n"


def test_kinds_that_only_some_devices_write_are_found_and_decoded(qasr: Qasr, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for suffix, coding, form in (
        ("wtv", "mp2", "wtv"),
        ("voc", "pcm_s16le", "voc"),
        ("tp", "mp2", "mpegts"),
        ("rec", "aac", "mpegts"),
        ("dat", "mp2", "vcd"),
        ("latm", "aac", "latm"),
        ("ec3", "eac3", "eac3"),
    ):
        ffmpeg("-i", CLIP, "-t", 2, "-ar", 44_100, "-c:a", coding, "-f", form, folder / f"{suffix}.{suffix}")
    (folder / "gsm.gsm").write_bytes(bytes([0xD4, *[0] * 32]) * 100)
    done = qasr("transcribe", folder, "--engine", ECHO)
    assert results(folder) == [
        f"{one}.srt" for one in ("dat", "ec3", "gsm", "latm", "rec", "tp", "voc", "wtv")
    ]
    assert done.returncode == 0, done.stderr


def test_what_is_passed_over_is_said(qasr: Qasr, clips: Path) -> None:
    outside = clips.parent / "outside"
    outside.mkdir()
    shutil.copy2(CLIP, outside / "d.wav")
    (clips / "linked.wav").symlink_to(outside / "d.wav")
    (clips / "more").symlink_to(outside)
    (clips / "a.xyz").write_bytes(b"\x93\x01\x02\x03" * 9)
    words = (
        "1 link, 1 linked folder (--follow-links); 1 file of unknown kind (.xyz) (name it to transcribe it)"
    )
    preview = qasr("transcribe", clips, "-r", "--dry-run").stdout.splitlines()
    assert preview[-1] == f"passed over: {words}"
    assert "would skip more: a linked folder (--follow-links searches it)" in preview
    done = qasr(
        *("transcribe", clips, "-r", "--engine", ECHO, "--report", "run.json", "--log-file", "log"),
        *("--log-format", "json", "--progress", "plain"),
    )
    assert done.returncode == 0, done.stderr
    (summary,) = (line for line in done.stderr.splitlines() if line.startswith("3 done;"))
    assert summary.endswith(f"; passed over: {words}")
    report = json.loads((clips.parent / "run.json").read_text("utf-8"))
    end = json.loads((clips.parent / "log").read_text("utf-8").splitlines()[-1])
    assert (
        report["passed_over"]
        == end["passed_over"]
        == {
            **{"links": 1, "linked_folders": 1, "broken_links": 0, "special_files": 0, "hidden": 0},
            "unknown": {".xyz": 1},
        }
    )
    assert complaints("report", report) == complaints("events", end) == []


def test_links_are_followed_and_results_lie_beside_them(qasr: Qasr, clips: Path) -> None:
    outside = clips.parent / "outside"
    (outside / "deep").mkdir(parents=True)
    shutil.copy2(CLIP, outside / "d.wav")
    shutil.copy2(CLIP, outside / "deep/e.wav")
    (clips / "linked.wav").symlink_to(outside / "d.wav")
    (clips / "more").symlink_to(outside / "deep")
    (clips / "sub/loop").symlink_to(clips)
    for told in ("5 done", "5 skipped"):
        done = qasr("transcribe", clips, "-r", "--follow-links", "--engine", ECHO)
        assert done.returncode == 0, done.stderr
        assert told in done.stderr
    assert results(clips) == ["a.srt", "b.srt", "linked.srt", "sub/c.srt"]
    assert results(outside) == ["deep/e.srt"]  # beside the media, through the link
    assert not (outside / ".qasr").exists()
    away = qasr("transcribe", clips, "-r", "--follow-links", "--engine", ECHO, "-o", "out")
    assert away.returncode == 0, away.stderr
    assert results(clips.parent / "out") == ["a.srt", "b.srt", "linked.srt", "more/e.srt", "sub/c.srt"]


def test_a_union_mount_with_one_inode_number_for_all(qasr: Qasr, clips: Path) -> None:
    clip = CLIP.read_bytes()
    (clips / "b.wav").write_bytes(clip + bytes(32))
    with union_mount.mounted(clips, clips.parent / "union") as refusal:
        if refusal:
            pytest.skip(f"no FUSE mount here: {refusal}")
        union = clips.parent / "union"
        named = [union / "a.wav", union / "b.wav"]
        assert [path.stat().st_ino for path in named] == [union_mount.INODE] * 2
        assert [path.read_bytes() for path in named] == [clip, clip + bytes(32)]
        done = qasr("transcribe", union, "-r", "--engine", ECHO, "-o", "out")
        assert (done.returncode, results(clips.parent / "out")) == (0, ["a.srt", "b.srt", "sub/c.srt"]), (
            done.stderr
        )
        again = qasr("transcribe", *named, "--engine", ECHO, "-o", "named")
        assert (again.returncode, results(clips.parent / "named")) == (0, ["a.srt", "b.srt"]), again.stderr


def loaded(folder: Path, *arguments: object) -> set[str]:
    """Return which heavy libraries a run has imported by its end."""
    program = (
        "import sys\nfrom qasr_cli.cli import app\ncode = app._run(sys.argv[1:])\n"
        f"sys.stderr.write('loaded: ' + ' '.join(name for name in {HEAVY!r} if name in sys.modules))\n"
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=folder, env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stderr.rpartition("loaded: ")[2].split())


def test_neither_a_preview_nor_an_idle_pass_loads_anything_heavy(clips: Path) -> None:
    assert loaded(clips, "transcribe", ".", "-r", "--dry-run") == set()
    for path in clips.rglob("*.wav"):
        path.with_suffix(".srt").touch()
    assert loaded(clips, "transcribe", ".", "-r") == set()


def test_everything_left_out_is_nothing_to_do(qasr: Qasr, clips: Path) -> None:
    result = qasr("transcribe", clips, "--include", "*.mkv", "--engine", "no.such:thing")
    assert result.returncode == 0
    assert "2 files left out; --dry-run shows why" in result.stderr
    empty = qasr("transcribe", "--files-from", "-", "--engine", "no.such:thing")
    assert (empty.returncode, empty.stderr) == (0, "")


@pytest.mark.parametrize("exclude", ["", '"b* sub"', '["b*", "sub"]'])
def test_patterns_from_a_variable_and_from_the_settings_file(qasr: Qasr, clips: Path, exclude: str) -> None:
    if exclude:
        (clips.parent / "qasr.toml").write_text(f"exclude = {exclude}\nrecursive = true\nsettle = 0.5\n")
    env = {} if exclude else {"QASR_EXCLUDE": "b* sub", "QASR_RECURSIVE": "1"}
    told = qasr("transcribe", clips, "--dry-run", env=env).stdout.splitlines()
    assert [line.split(" -> ")[0] for line in told] == [
        "would transcribe a.wav",
        "would skip b.wav: excluded by b*",
        "would skip sub/c.wav: excluded by sub",
    ]


CASES = [
    (["clips", "--shard", "9/8"], 2, "--shard 9/8: give K/N"),
    (["clips", "--shard", "two"], 2, "--shard two: give K/N"),
    (["clips", "--newer-than", "2026-02-30"], 2, "not a date, an age or a file"),
    (["clips", "--order", "random"], 2, "give name, newest"),
    (["clips", "--settle", "-1"], 2, "--settle must not be negative"),
    (["clips", "--limit", "0"], 2, "--limit"),
    (["clips", "-0"], 2, "--files-from"),
    (["-", "--files-from", "list"], 2, "- (stdin) cannot be combined with other inputs"),
    ([], 2, "Missing argument 'INPUT...'"),
    (["--files-from", "gone"], 66, "--files-from gone: no such file"),
    (["--files-from", "clips"], 66, "--files-from clips: Is a directory"),
    (["clips/*.mp4"], 66, "no file matches"),
]


@pytest.mark.parametrize(("arguments", "code", "says"), CASES)
def test_bad_input_is_one_line_and_its_code(
    qasr: Qasr, clips: Path, arguments: list[str], code: int, says: str
) -> None:
    result = qasr("transcribe", *arguments, "--engine", ECHO)
    assert result.returncode == code, result.stderr
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert results(clips) == []
