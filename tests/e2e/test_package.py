"""A built wheel works outside the checkout, with the demo pair inside it."""

from __future__ import annotations

import email
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from qasr_cli import __version__
from tests.e2e.conftest import CLIP, ROOT

pytestmark = pytest.mark.slow  # building and installing take ten seconds
MAX_WEIGHTS_BYTES = 20_000_000  # recogniser and aligner together


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # From a copy: setuptools leaves a build folder in the tree and takes what lies there into the next wheel.
    tree = folder / "tree"
    shutil.copytree(ROOT / "qasr_cli", tree / "qasr_cli", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    (tree / "docs").mkdir()
    shutil.copy(ROOT / "docs/qasr.1", tree / "docs/qasr.1")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, tree],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    return next(folder.glob("*.whl"))


def test_it_holds_the_demo_pair_and_nothing_of_the_workshop(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    assert any(name.endswith("/share/man/man1/qasr.1") for name in sizes)
    weights = [size for name, size in sizes.items() if name.endswith(".safetensors")]
    assert len(weights) == 2
    assert sum(weights) < MAX_WEIGHTS_BYTES
    assert "qasr_cli/demo/MODEL_CARD.md" in sizes
    assert {"qasr_cli/subtitles/function_words.toml", "qasr_cli/runs/reports/report.html.jinja"} <= set(sizes)
    assert "qasr_cli/engines/qwen3/calibration.npz" in sizes
    assert {f"qasr_cli/serving/page/page.{kind}" for kind in ("html", "css", "js")} <= set(sizes)
    assert not [name for name in sizes if name.startswith(("tests", "tools", "samples"))]


def test_its_metadata_names_version_and_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
        licences = {name for name in archive.namelist() if "/licenses/" in name}
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "Apache-2.0 AND CC-BY-SA-3.0"
    assert metadata.get_all("License-File") == ["LICENSE", "qasr_cli/demo/LICENSE"]
    assert len(licences) == 2


def test_it_transcribes_far_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    clip = tmp_path / "clip.wav"
    clip.write_bytes(CLIP.read_bytes())
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "sys.argv = ['qasr', 'transcribe', 'clip.wav', '--model', 'demo']\n"
        f"import qasr_cli; assert qasr_cli.__file__.startswith({str(site)!r}), qasr_cli.__file__\n"
        "from qasr_cli.__main__ import main; main()\n"
    )
    result = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, env={"PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "bicycle" in (tmp_path / "clip.srt").read_text()
