"""The web page at `/`: three files of this package, and what the server offers as JSON.

It uses the same routes as every other client, so a key that they need is needed here, too. The files
themselves are public, and so is what the server offers: names of languages, formats and styles.
"""

from qasr_cli.serving.page.site_files import routes

__all__ = ["routes"]
