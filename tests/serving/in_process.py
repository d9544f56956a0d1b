"""The server on real sockets, in this process: for tests that look at the service while it works.

In go options; out comes a server of HTTP and Wyoming on 127.0.0.1. The whole program as a process of its own
is `tests.serving.server`'s.
"""

from __future__ import annotations

import contextlib
import functools
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qasr_cli import engines
from qasr_cli.engines import memory
from qasr_cli.live.step_lane import StepLane
from qasr_cli.options import EngineOptions, Options
from qasr_cli.serving import app, wyoming_server
from qasr_cli.serving.http.site import HttpSettings, Site
from qasr_cli.serving.server import HttpServer, listen
from qasr_cli.serving.service import Service, ServiceLimits

LOCAL = "127.0.0.1"
ECHO = Options(engine=EngineOptions(engine="tests.fakes:echo"))
_START_S = 300.0


@dataclass(frozen=True, slots=True)
class InProcess:
    """A running server.

    Attributes:
        url: Its address, without a path.
        port: Of HTTP.
        wyoming: Port of Wyoming.
        service: The service behind both.
    """

    url: str
    port: int
    wyoming: int
    service: Service

    @property
    def scratch(self) -> list[str]:
        """Names of the files in its scratch folder."""
        return sorted(path.name for path in self.service.folder.iterdir())

    @property
    def is_clean(self) -> bool:
        """Whether its scratch folder is empty."""
        return not self.scratch


@contextlib.contextmanager
def serving(
    options: Options,
    limits: ServiceLimits | None = None,
    settings: HttpSettings | None = None,
    wyoming: wyoming_server.Limits | None = None,
) -> Iterator[InProcess]:
    """Serve until the block ends; the engines are loaded when it begins."""
    with tempfile.TemporaryDirectory() as folder:
        service = Service(
            options,
            limits or ServiceLimits(),
            lambda: engines.load(options.engine),
            memory.reclaim,
            Path(folder),
            StepLane,
        )
        listener = listen(LOCAL, 0)
        port = listener.getsockname()[1]
        places: list[str] = []
        beside = functools.partial(
            wyoming_server.serve, f"{LOCAL}:0", service, wyoming or wyoming_server.Limits(), places.append
        )
        server = HttpServer(app.build(Site(service, settings or HttpSettings())), listener, (beside,))
        service.start()
        server.start()
        try:
            until(lambda: bool(places) and service.state != "loading", _START_S)
            assert service.state == "ready", service.failure
            yield InProcess(f"http://{LOCAL}:{port}", port, int(places[0].rpartition(":")[2]), service)
        finally:
            service.close()
            server.close()


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until a condition holds."""
    ends_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_s, "it did not become true"
        time.sleep(0.01)
