"""One HTTP server: the service behind it, and its settings.

Routes get it from the application's state: `site_of(request)`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import HTTPConnection

from qasr_cli.serving.gauges import Gauges
from qasr_cli.serving.http.body_memory import BodyMemory
from qasr_cli.serving.http.hosts import Hosts
from qasr_cli.serving.http.keys import Keys
from qasr_cli.serving.service import Service


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The settings of an HTTP server.

    Attributes:
        keys: Keys of which a request must have one; without any, all requests are accepted.
        hosts: The names by which clients may call the server.
        max_upload_bytes: Largest body of a request with media.
        has_page: Whether `/` shows the web page.
    """

    keys: Keys = field(default_factory=Keys)
    hosts: Hosts = field(default_factory=Hosts)
    max_upload_bytes: int = 4 * 1024**3
    has_page: bool = True


@dataclass(frozen=True, slots=True)
class Site:
    """The service, the settings, the figures of one server, and what it holds of bodies."""

    service: Service
    settings: HttpSettings
    bodies: BodyMemory = field(default_factory=BodyMemory)
    gauges: Gauges = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "gauges", Gauges(self.service))

    @property
    def model_name(self) -> str:
        """The name of the model for clients: of a folder its last part, as paths never leave the server."""
        engine = self.service.options.engine
        model = engine.remote.server_model or engine.model
        is_folder = model.startswith(("/", ".", "~", "\\")) or model.count("/") > 1
        return (Path(model).name or "local") if is_folder else model


def site_of(connection: HTTPConnection) -> Site:
    """Return the site that a request or an application belongs to."""
    site: Site = connection.app.state.site
    return site
