"""`--cluster` on the command line, where there is no cluster: what is refused, and how."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import ECHO, Qasr

AUTO = ("--engine", ECHO, "--cluster", "auto")


def test_without_ray_it_says_what_to_install(qasr: Qasr, clip: Path) -> None:
    result = qasr("transcribe", clip, *AUTO)
    assert result.returncode == 69
    assert result.stderr == "qasr: error: --cluster needs Ray; pip install 'qasr[ray]'\n"
    assert not clip.with_suffix(".srt").exists()


def test_with_nothing_to_do_no_cluster_is_needed(qasr: Qasr, clip: Path) -> None:
    assert qasr("transcribe", ".", "--engine", ECHO).returncode == 0
    result = qasr("transcribe", ".", *AUTO)
    assert result.returncode == 0
    assert "1 skipped" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("-",), "--cluster needs files that every machine sees; store the stream first"),
        (
            ("clip.wav", "--device", "cuda:0,cuda:1"),
            "--device cuda:0,cuda:1 with --cluster; give auto, cuda, cpu",
        ),
        (("clip.wav", "--device", "all"), "each copy of the model has one GPU"),
        (
            ("clip.wav", "--server", "http://127.0.0.1:9"),
            "--server with --cluster; leave one of them out: the machines of a cluster recognise themselves",
        ),
        (("clip.wav", "--cluster-cpus", "0"), "--cluster-cpus must be at least 1"),
    ],
)
def test_what_cannot_go_to_a_cluster_is_usage(
    qasr: Qasr, clip: Path, arguments: tuple[str, ...], problem: str
) -> None:
    result = qasr("transcribe", *arguments, *AUTO, stdin=clip.read_bytes())
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert problem in line


def test_a_watch_has_no_cluster(qasr: Qasr, tmp_path: Path) -> None:
    result = qasr("watch", tmp_path, *AUTO)
    assert result.returncode == 2
    assert "--cluster" in result.stderr
