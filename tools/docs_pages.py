"""A hook of mkdocs: pages of the site that lie elsewhere in the repository, and the links to them.

In go mkdocs' files; out they come with the project's own pages among them. A link that leads from a page to
one of these files on disk, as a reader of the repository follows it, leads to its page on the site. A link to
a file that is no page stands as the file's name, since the site does not hold it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PAGES = {
    "CONTRIBUTING.md": "project/CONTRIBUTING.md",
    "CHANGELOG.md": "project/CHANGELOG.md",
    "SECURITY.md": "project/SECURITY.md",
    "qasr_cli/demo/MODEL_CARD.md": "project/MODEL_CARD.md",
    "tests/parity/README.md": "project/PARITY.md",
    "tools/demo_model/NOTES.md": "project/NOTES.md",
}
_SOURCES = {page: source for source, page in PAGES.items()}
_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#)([^)#\s]+)(#[^)\s]+)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return a page's text with its links to files of the repository as the site has them."""
    uri = page.file.src_uri
    source = PurePosixPath(_SOURCES.get(uri, f"docs/{uri}"))

    def on_site(link: re.Match[str]) -> str:
        text, target, anchor = link[1], link[2], link[3] or ""
        path = os.path.normpath(source.parent / target)
        if path in PAGES:
            place = PAGES[path]
        elif path.startswith("docs/"):
            place = path.removeprefix("docs/")
        elif (ROOT / path).exists():
            return text if text.startswith("`") else f"{text} (`{path}`)"
        else:
            return link[0]  # leads nowhere, which mkdocs says
        return f"[{text}]({os.path.relpath(place, PurePosixPath(uri).parent)}{anchor})"

    return _LINK.sub(on_site, markdown)
