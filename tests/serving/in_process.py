"""The application on a real socket, in this process: for tests that look at the service while it works.

In go options; out comes the address of a server on 127.0.0.1, on a thread.
"""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from qasr_cli import engines
from qasr_cli.engines import memory
from qasr_cli.options import EngineOptions, Options
from qasr_cli.serving import app
from qasr_cli.serving.http.site import HttpSettings, Site
from qasr_cli.serving.service import Service, ServiceLimits

ECHO = Options(engine=EngineOptions(engine="tests.fakes:echo"))
_START_S = 120.0


@dataclass(frozen=True, slots=True)
class InProcess:
    """A running server.

    Attributes:
        url: Its address, without a path.
        service: The service behind it.
    """

    url: str
    port: int
    service: Service

    @property
    def scratch(self) -> list[str]:
        """Names of the files in its scratch folder."""
        return sorted(path.name for path in self.service.folder.iterdir())


@contextlib.contextmanager
def serving(
    options: Options, limits: ServiceLimits | None = None, settings: HttpSettings | None = None
) -> Iterator[InProcess]:
    """Serve until the block ends; the engines are loaded when it begins."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listening:
        service = Service(
            options,
            limits or ServiceLimits(),
            lambda: engines.load(options.engine),
            memory.reclaim,
            Path(folder),
        )
        built = app.build(Site(service, settings or HttpSettings()))
        config = uvicorn.Config(built, log_level="warning", lifespan="off", timeout_graceful_shutdown=5)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), name="uvicorn")
        service.start()
        thread.start()
        try:
            until_s = time.monotonic() + _START_S
            while not (server.started and service.state == "ready") and time.monotonic() < until_s:
                time.sleep(0.02)
            assert service.state == "ready", service.failure
            port = listening.getsockname()[1]
            yield InProcess(f"http://127.0.0.1:{port}", port, service)
        finally:
            server.should_exit = True
            service.close()
            thread.join(30)
