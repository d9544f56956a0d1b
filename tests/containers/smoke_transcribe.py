"""Runs in a container: results, their owners, a read-only root, settings, wrong variables."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.containers.conftest import HARDENED, give
from tests.containers.container_tool import ContainerTool, run_once

TEXT = "Where is the yellow bicycle?"
DEMO = ("--model", "demo")


def owner(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_uid, found.st_gid, found.st_mode & 0o777


def test_the_image_transcribes_its_sample_without_a_network(
    tool: ContainerTool, image: str, models: str
) -> None:
    sample = "/usr/local/share/qasr/sample.wav"
    done = run_once(tool, image, ["-v", f"{models}:/models"], "transcribe", sample, *DEMO, "--txt", "-o", "-")
    assert (done.returncode, done.stdout.strip()) == (0, TEXT), done.stderr


@pytest.mark.parametrize("words", [("--version",), ("qasr", "--version")])
def test_the_word_qasr_may_be_left_out(words: tuple[str, ...], tool: ContainerTool, image: str) -> None:
    assert run_once(tool, image, [], *words).stdout.startswith("qasr 0.")


def test_doctor_finds_all_that_is_needed(tool: ContainerTool, image: str) -> None:
    done = run_once(tool, image, [], "doctor")
    assert done.returncode == 0, done.stdout
    assert "system: /usr/bin/ffmpeg" in done.stdout
    assert "/models/hub can be written" in done.stdout


def test_results_belong_to_the_default_user(
    tool: ContainerTool, image: str, models: str, media: Path
) -> None:
    done = run_once(
        tool,
        image,
        ["-v", f"{models}:/models", "-v", f"{media}:/media"],
        "transcribe",
        "clip.wav",
        *DEMO,
        "--srt",
    )
    assert done.returncode == 0, done.stderr
    assert owner(media / "clip.srt") == (1000, 1000, 0o644)


def test_results_belong_to_puid_and_pgid_and_have_umask(
    tool: ContainerTool, image: str, models: str, media: Path, tmp_path: Path
) -> None:
    give(media, 1234, 1300)
    config = tmp_path / "config"
    config.mkdir(mode=0o700)
    options = ["-v", f"{models}:/models", "-v", f"{media}:/media", "-v", f"{config}:/config"]
    options += ["-e", "PUID=1234", "-e", "PGID=1300", "-e", "UMASK=002"]
    done = run_once(tool, image, options, "transcribe", "clip.wav", *DEMO, "--srt")
    assert done.returncode == 0, done.stderr
    assert owner(media / "clip.srt") == (1234, 1300, 0o664)
    assert owner(config)[:2] == (1234, 1300)  # the daemon made it for root


def test_a_user_of_the_command_line_needs_no_root(
    tool: ContainerTool, image: str, models: str, media: Path
) -> None:
    give(media, 1500, 1500)
    options = [
        "-v",
        f"{models}:/models",
        "-v",
        f"{media}:/media",
        "--user",
        "1500:1500",
        "--cap-drop",
        "ALL",
        "--read-only",
    ]
    options += ["--tmpfs", "/tmp:mode=1777"]
    done = run_once(tool, image, options, "transcribe", "clip.wav", *DEMO, "--srt")
    assert done.returncode == 0, done.stderr
    assert owner(media / "clip.srt") == (1500, 1500, 0o644)


def test_a_read_only_root_with_the_fewest_rights_is_enough(
    tool: ContainerTool, image: str, models: str, media: Path
) -> None:
    options = [*HARDENED, "-v", f"{models}:/models", "-v", f"{media}:/media"]
    done = run_once(tool, image, options, "transcribe", "clip.wav", *DEMO, "--vtt")
    assert done.returncode == 0, done.stderr
    assert "bicycle" in (media / "clip.vtt").read_text("utf-8")


def test_a_group_of_the_command_line_stays(tool: ContainerTool, image: str, models: str, media: Path) -> None:
    give(media, 0, 1777)
    media.chmod(0o2775)
    options = ["-v", f"{models}:/models", "-v", f"{media}:/media", "--group-add", "1777"]
    done = run_once(tool, image, options, "transcribe", "clip.wav", *DEMO, "--srt")
    assert done.returncode == 0, done.stderr
    assert owner(media / "clip.srt")[0] == 1000


def test_settings_of_config_count_as_ones_own(
    tool: ContainerTool, image: str, models: str, media: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "qasr.toml").write_text('model = "demo"\noutput = "/media/subtitles"\n', "utf-8")
    give(config, 1000, 1000)
    options = ["-v", f"{models}:/models", "-v", f"{media}:/media", "-v", f"{config}:/config"]
    done = run_once(tool, image, options, "transcribe", "clip.wav", "--srt")
    assert done.returncode == 0, done.stderr
    assert os.path.exists(media / "subtitles/clip.srt")


@pytest.mark.parametrize(
    ("variable", "told"),
    [("PUID=media", "PUID"), ("PGID=1x", "PGID"), ("UMASK=rwx", "UMASK"), ("UMASK=9", "UMASK")],
)
def test_a_wrong_variable_is_named(variable: str, told: str, tool: ContainerTool, image: str) -> None:
    done = run_once(tool, image, ["-e", variable], "--version")
    assert done.returncode == 78
    assert f"{told} is " in done.stderr


def test_the_image_is_small_and_says_what_it_is(tool: ContainerTool, image: str) -> None:
    from qasr_cli import __version__

    inspected = tool.run("image", "inspect", "--format", "{{.Size}} {{json .Config.Labels}}", image).stdout
    size, _, labels = inspected.partition(" ")
    assert int(size) < 1.8e9
    assert f'"org.opencontainers.image.version":"{__version__}"' in labels
