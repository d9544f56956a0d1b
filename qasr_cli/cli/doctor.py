"""`qasr doctor`: checks everything that a transcription needs."""

from __future__ import annotations

import functools
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from qasr_cli.cli import settings_file, typer_adapter
from qasr_cli.cli.params import grouped
from qasr_cli.cli.settings_file import SettingsState
from qasr_cli.cli.typer_adapter import Context
from qasr_cli.errors import ExitCode, QasrError, UnavailableError
from qasr_cli.operating_system import processes
from qasr_cli.operating_system.files import real_path
from qasr_cli.options import EngineOptions, Options
from qasr_cli.version import __version__

Check = Callable[[], "Diagnosis"]

_OLD_FFMPEG_YEARS = 4  # a major version is maintained for about three; distributions are a year behind
_FEW_BYTES = 4e9  # the smallest real pair of models takes 3.4 GB on disk
_LITTLE_SPACE_BYTES = 2e9  # an hour of prefetched audio takes 115 MB, and four hours may be prefetched

_EXTRAS = {  # of the program, each with the package that stands for it
    "serve": ("starlette", "qasr serve"),
    "wyoming": ("wyoming", "qasr serve --wyoming"),
    "live": ("websockets", "qasr live --obs"),
    "ray": ("ray", "qasr transcribe --cluster"),
}


class Diagnosis(NamedTuple):
    """Result of a check: `ok`, `note` (works, with a remark), `missing` or `wrong`."""

    state: str
    detail: str


def command(context: Context) -> None:
    """Check ffmpeg, libraries, device, memory, folders, models and settings.

    Exit code 69: something is missing. Exit code 78: nothing is missing, but qasr.toml has a wrong value.
    """
    from qasr_cli.terminal.tables import print_table

    rows = [(name, *_run(check)) for name, check in _CHECKS.items()]
    rows.append(("settings", *_settings(context)))
    rows += [(name, *finding) for name, finding in _servers(context)]
    rows += [(f"model {name}", *finding) for name, finding in _models()]
    print_table(("what", "state", "detail"), rows)
    states = {state for _, state, _ in rows}
    code = (
        ExitCode.UNAVAILABLE if "missing" in states else ExitCode.CONFIG if "wrong" in states else ExitCode.OK
    )
    raise typer_adapter.Exit(code)


def _run(check: Check) -> Diagnosis:
    try:
        return check()
    except QasrError as error:
        return Diagnosis("missing", f"{error}; {error.hint}")
    except ImportError as error:
        return Diagnosis("missing", f"{error}; reinstall with: pip install qasr")
    except OSError as error:
        return Diagnosis(
            "missing", f"{error}; check its permissions, or set TMPDIR or HF_HOME to another folder"
        )
    except RuntimeError as error:  # an error of torch: a busy device, or a driver that does not fit
        return Diagnosis("missing", f"{str(error).splitlines()[0]}; update the driver, or use --device cpu")


def _qasr() -> Diagnosis:
    return Diagnosis(
        "ok", f"{__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    )


def _system() -> Diagnosis:
    processes.require_posix()
    return Diagnosis("ok", f"{platform.system()} {platform.release()}")


def _ffmpeg() -> Diagnosis:
    from qasr_cli.media.ffmpeg import find_tools

    tools = find_tools()
    age = datetime.now().year - tools.year if tools.year else 0
    detail = f"{tools.version} ({tools.origin}: {tools.ffmpeg})"
    if tools.year:
        detail += f", of {tools.year}"
    if age >= _OLD_FFMPEG_YEARS:
        return Diagnosis("note", f"{detail}: {age} years old and may have known security holes; update it")
    return Diagnosis("ok", detail)


def _microphones() -> Diagnosis:
    from qasr_cli.media import microphones

    try:
        recorder = microphones.find()
    except UnavailableError as error:
        return Diagnosis("note", f"{error}; for qasr live: {error.hint}")
    if not recorder.microphones:
        return Diagnosis("note", "none; qasr live reads pipes, files and streams without one")
    default = next((one for one in recorder.microphones if one.is_default), recorder.microphones[0])
    name = default.description or default.name
    return Diagnosis("ok", f"{len(recorder.microphones)}, the default is {name} ({recorder.label})")


def _voice_detector() -> Diagnosis:
    from qasr_cli.options import VadOptions
    from qasr_cli.speech.audio.vad import SpeechDetector

    SpeechDetector(VadOptions())
    return Diagnosis("ok", f"silero-vad {version('silero-vad')}, onnxruntime {version('onnxruntime')}")


def _torch() -> Diagnosis:
    try:
        return Diagnosis("ok", f"torch {version('torch')}, transformers {version('transformers')}")
    except PackageNotFoundError as error:
        raise UnavailableError(
            f"{error.name} is not installed", "reinstall with: pip install qasr"
        ) from error


def _vllm() -> Diagnosis:
    from qasr_cli.engines.vllm import environment

    found = environment.version()
    return Diagnosis(
        "ok", f"{found}, for --engine vllm" if found else "not installed; only --engine vllm needs it"
    )


def _extra(package: str, extra: str, purpose: str) -> Diagnosis:
    """Return whether an optional library is here; without it one command or flag is missing."""
    try:
        return Diagnosis("ok", f"{package} {version(package)}, for {purpose}")
    except PackageNotFoundError:
        install = f"pip install 'qasr[{extra}]'"
        return Diagnosis("ok", f"{package} is not installed; only {purpose} needs it: {install}")


def _devices() -> Diagnosis:
    from qasr_cli.engines import device

    return Diagnosis("ok", ", ".join(device.available()))


def _choice() -> Diagnosis:
    from qasr_cli.engines import device

    chosen = device.place(EngineOptions().device, EngineOptions().dtype)
    return Diagnosis("ok", str(chosen).replace(" ", ", ", 1))


def _cpu_formats() -> Diagnosis:
    from qasr_cli.engines.cpu import cpu_format

    found = cpu_format.find()
    times = ", ".join(f"{name} {time_ms:.1f} ms" for name, time_ms in found.times_ms.items())
    bits = f"int8 exact with {found.int8_bits}-bit activations" if found.int8_bits else "no exact int8"
    return Diagnosis("ok", f"{times} for a product of 400 rows; {bits}")


def _memory() -> Diagnosis:
    from qasr_cli.engines import device

    is_small = 0 < device.machine_bytes() < _FEW_BYTES
    detail = "; ".join(device.memory())
    return (
        Diagnosis("note", f"{detail}: enough for --model demo only") if is_small else Diagnosis("ok", detail)
    )


def _results() -> Diagnosis:
    results_folder = Path.cwd()
    if not os.access(results_folder, os.W_OK):
        return Diagnosis("note", f"{results_folder} cannot be written; use -o DIR")
    return Diagnosis("ok", f"{results_folder} can be written, {_space(results_folder)}")


def _temporary() -> Diagnosis:
    folder = Path(tempfile.gettempdir())  # an OSError if no folder is writable
    with tempfile.TemporaryFile(dir=folder):
        pass
    is_tight = shutil.disk_usage(folder).free < _LITTLE_SPACE_BYTES
    rest = "; little for long media, set TMPDIR to another folder" if is_tight else ""
    return Diagnosis("note" if is_tight else "ok", f"{folder} can be written, {_space(folder)}{rest}")


def _space(folder: Path) -> str:
    return f"{shutil.disk_usage(folder).free / 1e9:.1f} GB free"


def _model_cache() -> Diagnosis:
    from qasr_cli.engines import model_store

    return _kept(model_store.cache_folder(), "so no model can be pulled; set HF_HOME")


def _own_cache() -> Diagnosis:
    from qasr_cli.engines import cache_files

    folder = cache_files.folder()
    rest = "so a CPU is tested at each start and --dtype auto is never int8; set QASR_CACHE"
    return _kept(folder, rest) if folder else Diagnosis("note", f"no absolute path leads to one, {rest}")


def _kept(folder: Path, rest: str) -> Diagnosis:
    """Return whether a folder can be written or made; `rest` is what follows if not."""
    existing = next(place for place in (folder, *folder.parents) if os.path.exists(place))
    if not os.path.isdir(existing) or not os.access(existing, os.W_OK):
        return Diagnosis("note", f"{folder} cannot be written, {rest}")
    return Diagnosis("ok", f"{folder} can be written, {_space(existing)}")


def _settings(context: Context) -> Diagnosis:
    """Check the values of qasr.toml; an unreadable file has ended the command already."""
    state: SettingsState = context.find_root().obj
    if state.path is None:
        return Diagnosis("ok", "no qasr.toml, which is fine; qasr config init writes one")
    # An @FILE that is ignored is not read here either.
    ignored = {key: value for key, value in state.ignored.items() if not str(value).startswith("@")}
    values = state.values | ignored
    for name, arguments in (("transcribe", ["-"]), ("watch", ["-"]), ("serve", []), ("live", [])):
        try:
            _check_options(
                grouped.assembled(typer_adapter.parse(name, arguments, context, values))["options"]
            )
        except QasrError as error:
            origin = state.origin(error.flag)
            if origin or error.flag is None:  # a wrong variable is not the file's error
                return Diagnosis("wrong", f"{origin or state.path}: {error}; {error.hint}")
        except typer_adapter.UsageProblem as error:
            return Diagnosis("wrong", f"{state.path}: {typer_adapter.problem(error).text}")
    if state.ignored:
        return Diagnosis("note", settings_file.ignored_line(state.path, state.ignored, state.trust))
    return Diagnosis("ok", str(real_path(state.path)))


def _check_options(options: Options) -> None:
    """Make the checks of a run before discovery.

    Raises:
        QasrError: A format or device is unknown, or the name template is wrong.
    """
    from qasr_cli.engines import device, device_names
    from qasr_cli.tasks import outputs

    outputs.resolve(options.output)
    device.resolve(device_names.split(options.engine.device), options.engine.dtype)


def _servers(context: Context) -> list[tuple[str, Diagnosis]]:
    """Return what the servers of the settings answer; nothing without servers, or if a setting is wrong."""
    state: SettingsState = context.find_root().obj
    try:
        options = grouped.assembled(typer_adapter.parse("transcribe", ["-"], context, state.values))[
            "options"
        ]
    except (QasrError, typer_adapter.UsageProblem):  # the row of the settings says so, if the file is wrong
        return []
    if not options.engine.remote.server:
        return []
    from qasr_cli.engines.remote import startup

    return [
        (f"server {address}", Diagnosis("ok" if works else "missing", detail))
        for address, detail, works in startup.describe(options.engine.remote)
    ]


def _models() -> list[tuple[str, Diagnosis]]:
    from qasr_cli.engines import model_store

    return [
        (model.name, _run(functools.partial(_model, model.recognizer, model.aligner)))
        for model in model_store.MODELS
    ]


def _model(*locations: str) -> Diagnosis:
    from qasr_cli.engines import model_store

    try:
        models = [model_store.find(location) for location in locations]
    except UnavailableError as error:
        return Diagnosis("note", f"damaged: {error}; {error.hint}")
    results_folder = ", ".join(item.id for item in models if item) if all(models) else ""
    return (
        Diagnosis("ok", results_folder)
        if results_folder
        else Diagnosis("note", "not here; downloaded at first use")
    )


_CHECKS: dict[str, Check] = {
    "qasr": _qasr,
    "system": _system,
    "ffmpeg": _ffmpeg,
    "microphones": _microphones,
    "voice detector": _voice_detector,
    "libraries": _torch,
    "vllm": _vllm,
    **{
        extra: functools.partial(_extra, package, extra, purpose)
        for extra, (package, purpose) in _EXTRAS.items()
    },
    "devices, best first": _devices,
    "auto means": _choice,
    "formats of the CPU": _cpu_formats,
    "memory": _memory,
    "results here": _results,
    "temporary files": _temporary,
    "models' folder": _model_cache,
    "cache": _own_cache,
}


app = typer_adapter.single(command)
