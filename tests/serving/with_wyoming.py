"""A server in this process, for tests of single protocols: real sockets on 127.0.0.1, any engine.

The whole program as a process of its own is `tests.serving.server`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from qasr_cli.engines import registry
from qasr_cli.options import EngineOptions, Options
from qasr_cli.serving import app, wyoming_server
from qasr_cli.serving.http.site import HttpSettings, Site
from qasr_cli.serving.service import Service, ServiceLimits

LOCAL = "127.0.0.1"


@dataclass(frozen=True)
class Serving:
    """A running server.

    Attributes:
        port: Of HTTP.
        wyoming: Port of Wyoming.
        service: The service behind both.
    """

    port: int
    wyoming: int
    service: Service

    @property
    def is_clean(self) -> bool:
        """Whether its scratch folder is empty."""
        return not list(self.service.folder.iterdir())


@contextlib.contextmanager
def serving(
    folder: Path,
    engine: EngineOptions,
    *,
    settings: HttpSettings | None = None,
    limits: wyoming_server.Limits | None = None,
) -> Iterator[Serving]:
    """Run a server for as long as the context lasts.

    Args:
        folder: Its scratch folder, empty.
        engine: Its engine.
        settings: Its settings of HTTP.
        limits: Its limits of Wyoming.
    """
    options = Options(engine=engine)
    service = Service(options, ServiceLimits(), lambda: registry.load(options.engine), lambda: None, folder)
    service.start()
    config = uvicorn.Config(
        app.build(Site(service, settings or HttpSettings())), LOCAL, 0, log_level="warning", lifespan="off"
    )
    server = uvicorn.Server(config)
    wyoming: list[str] = []

    async def run() -> None:
        beside = asyncio.create_task(
            wyoming_server.serve(
                f"{LOCAL}:0", service, limits or wyoming_server.Limits(), on_ready=wyoming.append
            )
        )
        await server.serve()
        beside.cancel()
        await asyncio.gather(beside, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="server")
    thread.start()
    try:
        until(lambda: server.started and bool(wyoming) and service.state != "loading", 300)
        assert service.state == "ready", service.failure
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Serving(port, int(wyoming[0].rpartition(":")[2]), service)
    finally:
        server.should_exit = True
        thread.join(30)
        service.close()


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until a condition holds."""
    ends_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_s, "it did not become true"
        time.sleep(0.01)
