"""`qasr doctor`: is everything here that a transcription needs?"""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import typer

from qasr_cli import __version__
from qasr_cli.errors import ExitCode, QasrError, UnavailableError

Check = Callable[[], str]


def command() -> None:
    """Check ffmpeg, the voice detector, torch, the device and the models; exit 69 if something is missing."""
    from qasr_cli.terminal.tables import print_table

    rows, is_healthy = [], True
    for name, check in _CHECKS.items():
        try:
            rows.append((name, "ok", check()))
        except (QasrError, ImportError, OSError) as error:
            is_healthy = False
            hint = f"; {error.hint}" if isinstance(error, QasrError) else "; reinstall with: pip install qasr"
            rows.append((name, "missing", f"{error}{hint}"))
    for model, state in _model_states():
        rows.append(
            (f"model {model}", "ok" if state else "note", state or "not here; downloaded at first use")
        )
    print_table(("what", "state", "detail"), rows)
    raise typer.Exit(ExitCode.OK if is_healthy else ExitCode.UNAVAILABLE)


def _qasr() -> str:
    return f"{__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"


def _ffmpeg() -> str:
    from qasr_cli.media.ffmpeg import find_tools

    tools = find_tools()
    return f"{tools.version} ({tools.origin}: {tools.ffmpeg})"


def _voice_detector() -> str:
    from qasr_cli.options import VadOptions
    from qasr_cli.speech.vad import SpeechDetector

    SpeechDetector(VadOptions())
    return f"silero-vad {version('silero-vad')}, onnxruntime {version('onnxruntime')}"


def _torch() -> str:
    try:
        return f"torch {version('torch')}, transformers {version('transformers')}"
    except PackageNotFoundError as error:
        raise UnavailableError(
            f"{error.name} is not installed", "reinstall with: pip install qasr"
        ) from error


def _devices() -> str:
    from qasr_cli.engines import device

    return ", ".join(device.available())


def _model_states() -> list[tuple[str, str]]:
    from qasr_cli.engines import checkpoints

    states = []
    for model in checkpoints.MODELS:
        try:
            found = [checkpoints.find(location) for location in (model.recognizer, model.aligner)]
        except UnavailableError as error:
            states.append((model.name, f"damaged: {error}"))
            continue
        states.append((model.name, ", ".join(item.id for item in found if item) if all(found) else ""))
    return states


_CHECKS: dict[str, Check] = {
    "qasr": _qasr,
    "ffmpeg": _ffmpeg,
    "voice detector": _voice_detector,
    "libraries": _torch,
    "devices, best first": _devices,
}
