"""One HTTP server: the service behind it, and its settings.

Routes get it from the application's state: `site_of(request)`.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from qasr_cli.serving.service import Service


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The settings of an HTTP server.

    Attributes:
        keys: Keys of which a request must have one; empty accepts all requests.
        hosts: Names in a Host header that are accepted, without port; empty accepts all.
        max_upload_bytes: Largest body of a request with media.
        has_page: Whether `/` shows the web page.
    """

    keys: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    max_upload_bytes: int = 4 * 1024**3
    has_page: bool = True


@dataclass(frozen=True, slots=True)
class Site:
    """The service and the settings of one server."""

    service: Service
    settings: HttpSettings


def site_of(connection: HTTPConnection) -> Site:
    """Return the site that a request or an application belongs to."""
    site: Site = connection.app.state.site
    return site
