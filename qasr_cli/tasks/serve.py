"""`qasr serve`: a server that runs until a signal or until it cannot go on.

In go options; nothing comes out but an error or a signal's exit code. The main thread waits for signals; the
server has threads of its own.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qasr_cli import engines
from qasr_cli.engines import memory
from qasr_cli.errors import (
    InputOutputError,
    UnavailableError,
    UsageError,
    from_read_error,
)
from qasr_cli.operating_system import files, processes, scratch, text_bytes
from qasr_cli.options import LogOptions, Options, ServeOptions
from qasr_cli.options.serve import checked_key
from qasr_cli.runs.files import atomic_write
from qasr_cli.tasks import observers, telling_apart
from qasr_cli.terminal import logs, stdio
from qasr_cli.terminal.stdio import DataStream, ReaderGone

if TYPE_CHECKING:
    from qasr_cli.serving.http.keys import Keys
    from qasr_cli.serving.http.site import Site
    from qasr_cli.serving.server import Beside, HttpServer
    from qasr_cli.serving.service import Service

logger = logging.getLogger(__name__)

_LIBRARIES = ("starlette", "uvicorn", "python_multipart", "prometheus_client", "websockets")
_MAX_KEY_FILE_BYTES = 1_000_000
_MS_PER_HOUR = 3_600_000
_S_PER_HOUR = 3_600
_S_PER_MIN = 60


class Serving:
    """One server, from its options to its end.

    Args:
        options: The defaults of every request.
        serving: The server's own options.
        log: Logging.
        hasten: Set by a second signal: requests under way are ended at once.
    """

    def __init__(
        self, options: Options, serving: ServeOptions, log: LogOptions, hasten: threading.Event
    ) -> None:
        self._options = options
        self._serving = serving
        self._log = log
        self._hasten = hasten
        self._ended = threading.Event()
        self._keys: Keys | None = None

    def run(self) -> None:
        """Serve until a signal raises here.

        Raises:
            UnavailableError: A library, the model or a device is missing.
            UsageError: The address needs a key.
            CannotCreateError: The port is in use.
            QasrError: The server cannot go on.
        """
        processes.require_posix()
        is_terminal = os.isatty(1)
        stdout = stdio.guard()
        observers.set_up(observers.chattier(self._log), [])
        _require_libraries()
        self._keys = self._checked_keys()
        telling_apart.refuse_channels(self._options, "serve")
        engines.refuse_unknown_languages(self._options.engine, self._options.decode)
        engines.refuse_missing(self._options.engine)
        memory.prepare()
        _leave_a_core(self._serving.threads)
        from qasr_cli.serving import app, server

        with scratch.folder() as folder:
            listener = server.listen(self._serving.host, self._serving.port)
            url = server.url_of(listener)
            site = self._site(folder, self._keys)
            http = server.HttpServer(app.build(site), listener, self._beside(site.service))
            with self._running(site.service, http):
                logger.info("listening on %s; loading %s", url, site.model_name)
                self._await_ready(site.service, http)
                page = f", page at {url}/" if site.settings.has_page else ""
                logger.info("serving %s on %s%s", site.model_name, url, page)
                ready = {"url": url, "pid": os.getpid(), "model": site.model_name}
                with _told(ready, self._serving.ready_file, None if is_terminal else stdout):
                    self._ended.wait()
                    _raise_failure(site.service, http)

    def reload(self) -> None:
        """Read the keys again and reopen the log file.

        Raises:
            QasrError: The keys cannot be read; the old ones stay.
        """
        logs.reopen()
        if self._keys is not None and self._serving.key_file is not None:
            self._keys.replace(_all_keys(self._serving))
            logger.info("%s: keys read again", self._serving.key_file)

    def _checked_keys(self) -> Keys:
        from qasr_cli.serving.http import hosts
        from qasr_cli.serving.http.keys import Keys

        serving = self._serving
        keys = Keys(_all_keys(serving))
        if not keys and not serving.no_key and not hosts.is_loopback(serving.host):
            raise UsageError(
                f"--host {serving.host}: others could use the server without a key",
                "set one with QASR_KEY or --key-file, or trust the network with --no-key",
                flag="--host",
            )
        return keys

    def _site(self, folder: Path, keys: Keys) -> Site:
        from qasr_cli.live.step_lane import StepLane
        from qasr_cli.serving.http import hosts
        from qasr_cli.serving.http.site import HttpSettings, Site
        from qasr_cli.serving.service import Service, ServiceLimits

        serving, options = self._serving, self._options
        limits = ServiceLimits(
            max_waiting_ms=round(serving.max_waiting_hours * _MS_PER_HOUR),
            keep_s=serving.keep_results_hours * _S_PER_HOUR,
            idle_s=serving.idle_unload_min * _S_PER_MIN,
            max_live=serving.max_live,
        )
        load = functools.partial(engines.load, options.engine, options.guard.fallback_model)
        settings = HttpSettings(
            keys=keys,
            hosts=hosts.of_server(serving.host, serving.allowed_host, has_keys=bool(keys)),
            max_upload_bytes=serving.max_upload_bytes,
            has_page=not serving.no_page,
        )
        return Site(Service(options, limits, load, memory.reclaim, folder, StepLane), settings)

    def _beside(self, service: Service) -> tuple[Beside, ...]:
        """Return the servers of other protocols.

        Raises:
            UnavailableError: Their library is not installed.
            UsageError: Their address is none.
        """
        address = self._serving.wyoming
        if not address:
            return ()
        from qasr_cli.serving import wyoming_server

        wyoming_server.split_address(address)
        limits = wyoming_server.Limits(max_bytes=self._serving.max_upload_bytes)
        return (functools.partial(wyoming_server.serve, address, service, limits, _tell_wyoming),)

    @contextlib.contextmanager
    def _running(self, service: Service, http: HttpServer) -> Iterator[None]:
        """Run the threads; at a signal let requests end, and end what is left."""
        service.on_failure = http.on_failure = self._ended.set
        try:
            http.start()
            service.start()
            yield
        except (KeyboardInterrupt, SystemExit):
            if service.n_open or service.live.n_open:
                logger.info("ending; requests have %g s", self._serving.drain_s)
            http.stop_listening()
            service.drain(self._serving.drain_s, self._hasten)
            raise
        finally:
            service.close()
            http.close()

    def _await_ready(self, service: Service, http: HttpServer) -> None:
        while service.state == "loading":
            self._ended.wait(0.05)
            _raise_failure(service, http)


def _tell_wyoming(address: str) -> None:
    logger.info("Wyoming on tcp://%s", address)


def _raise_failure(service: Service, http: HttpServer) -> None:
    """Raise what has ended the server, if something has; a service manager starts it again then."""
    failure = service.failure or http.failure
    if failure is not None:
        raise failure


def _require_libraries() -> None:
    for name in _LIBRARIES:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise UnavailableError(
                f"qasr serve needs {error.name}, which is not installed", "pip install 'qasr[serve]'"
            ) from error


def _all_keys(serving: ServeOptions) -> Sequence[str]:
    return [*(key.reveal() for key in serving.key), *_keys_in(serving.key_file)]


def _keys_in(file: Path | None) -> Sequence[str]:
    """Return the keys in a file, a line each; empty lines and those that begin with # do not count.

    Raises:
        QasrError: It cannot be read, has no key, or one that no header can carry.
    """
    if file is None:
        return []
    try:
        text = text_bytes.decoded(files.read_regular(file, _MAX_KEY_FILE_BYTES))
    except files.TooLargeError as error:
        raise UsageError(f"--key-file {file}: too large", "give a key a line", flag="--key-file") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--key-file {file}: not a text", "give a key a line", flag="--key-file") from error
    except files.NotRegularError as error:  # a folder, or `<(command)`: no second reading
        raise UsageError(
            f"--key-file {file}: not a regular file", "give a text file, a key a line", flag="--key-file"
        ) from error
    except OSError as error:
        raise from_read_error(error, file, f"--key-file {file}") from error
    lines = [line.strip() for line in text.splitlines()]
    keys = [checked_key(line, "--key-file") for line in lines if line and not line.startswith("#")]
    if not keys:
        raise UsageError(f"--key-file {file}: no key in it", "give a key a line", flag="--key-file")
    return keys


def _leave_a_core(n_threads: int | None) -> None:
    """Set the number of the engine's threads on a CPU, before torch is imported.

    Decoding, the event loop and other clients need a core, too. Two threads on two busy cores wait for each
    other: 200 clips took more than ten minutes so, and one thread needed 17 s.
    """
    if n_threads is None and not os.environ.get("OMP_NUM_THREADS"):
        n_threads = max(1, processes.n_usable_cores() - 1)
    if n_threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(n_threads)


@contextlib.contextmanager
def _told(ready: dict[str, object], file: Path | None, stdout: DataStream | None) -> Iterator[None]:
    """Tell programs the address for the time of a block."""
    line = json.dumps(ready) + "\n"
    if stdout is not None:
        with contextlib.suppress(ReaderGone, InputOutputError):  # nobody wants to know
            stdout.write(line)
    if file is None:
        yield
        return
    try:  # a signal may come as soon as the file is there
        atomic_write.write(file, line, is_overwrite=True)
        yield
    finally:
        with contextlib.suppress(OSError):
            file.unlink()
