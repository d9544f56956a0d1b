"""Which devices `--device` means, and that each has a session of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from qasr_cli import engines
from qasr_cli.engines import device_names
from qasr_cli.errors import UsageError
from qasr_cli.options import EngineOptions
from qasr_cli.speech.inference.protocols import Capacity, Engines
from tests import fakes, misbehaving
from tests.scenes import Scene, speech_of

asked: list[EngineOptions] = []


def noted(options: EngineOptions) -> Engines:
    """Return a pair whose capacity depends on the device, and note what was asked for."""
    asked.append(options)
    recognizer = fakes.Echo(options)
    if options.device == "fake:1":
        recognizer.capacity = Capacity(20_000, 90_000, 64)
    return Engines(recognizer, fakes.Even(), options.device)


@pytest.fixture(autouse=True)
def nothing_asked() -> None:
    asked.clear()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("cpu", ["cpu"]),
        ("CUDA:1", ["CUDA:1"]),  # as it is: it may be a factory's own
        (" All ", ["all"]),
        ("cuda:0,cuda:1", ["cuda:0", "cuda:1"]),
        ("cuda, CUDA:3", ["cuda:0", "cuda:3"]),
        ("cpu,cpu,cpu", ["cpu"] * 3),
    ],
)
def test_names_of_devices(text: str, names: list[str]) -> None:
    assert list(device_names.split(text)) == names


@pytest.mark.parametrize(
    "text", ["cuda:0,cuda", "mps,mps", "cpu,cuda", "auto,auto", "all,cuda:0", ",", "cpu,,cpu"]
)
def test_names_that_do_not_go_together(text: str) -> None:
    with pytest.raises(UsageError, match="--device") as caught:
        device_names.split(text)
    assert caught.value.flag == "--device"


def test_each_device_has_a_session_and_a_fallback_model_of_its_own() -> None:
    options = EngineOptions(engine=f"{__name__}:noted", device="fake:0,fake:1", model="small")
    session = engines.load(options, "big")
    assert [(one.device, one.model) for one in asked] == [("fake:0", "small"), ("fake:1", "small")]
    (replica,) = session.replicas
    assert (session.device, replica.device) == ("fake:0, fake:1", "fake:1")
    assert replica.recognizer is not session.recognizer
    assert replica.fallback() is not session.fallback()
    assert [(one.device, one.model, one.aligner) for one in asked[2:]] == [
        ("fake:1", "big", "none"),
        ("fake:0", "big", "none"),
    ]


def test_batches_are_planned_for_the_smallest_device() -> None:
    session = engines.load(EngineOptions(engine=f"{__name__}:noted", device="fake:0,fake:1"))
    assert session.capacity == Capacity(20_000, 90_000, 32)
    assert session.recognizer.capacity == Capacity(30_000, 120_000, 32)


def test_devices_share_their_notices_and_nothing_else() -> None:
    session = engines.load(EngineOptions(engine=f"{__name__}:noted", device="fake:0,fake:1"))
    (replica,) = session.replicas
    assert replica.is_new("aligner lacks Thai")
    assert not session.is_new("aligner lacks Thai")
    replica.recognizer_limit.shrink([4, 4])
    assert replica.recognizer_limit.share([4] * 8) == 1
    assert session.recognizer_limit.share([4] * 8) == 8


def test_a_fallback_model_that_no_device_can_load_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scene = Scene(tmp_path, misbehaving.too_large_to_load_when_big, speech_of(0, 6))
    engine = "tests.misbehaving:too_large_to_load_when_big"
    session = engines.load(EngineOptions(engine=engine, device="fake:0,fake:1"), "big")
    for one in (session, *session.replicas):
        scene.session = one
        scene.play()
        assert not one.has_fallback
    assert len([line for line in caplog.messages if line.startswith("cannot load the fallback model")]) == 1
