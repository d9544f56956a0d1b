"""Which names are one file: union mounts give different files one inode number."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from qasr_cli.errors import UsageError
from qasr_cli.options import FindOptions
from qasr_cli.runs.files import same_file
from qasr_cli.runs.inputs import discovery
from qasr_cli.tasks import observers
from tests.trees import LONG_AGO_S, make, names, reasons

INODE = 7


def status_of(size: int = 10, mtime_s: float = LONG_AGO_S, n_links: int = 1) -> os.stat_result:
    times = (mtime_s, mtime_s, mtime_s)
    return os.stat_result((0o100644, INODE, 5, n_links, 0, 0, size, *times))


def n_files(*files: tuple[Path, os.stat_result]) -> int:
    return len(set(same_file.file_keys(files)))


class TestKeys:
    def test_one_inode_number_is_not_one_file(self) -> None:
        assert n_files((Path("/u/a.mp4"), status_of(10)), (Path("/u/b.mp4"), status_of(11))) == 2
        assert n_files((Path("/u/a.mp4"), status_of()), (Path("/u/b.mp4"), status_of())) == 2

    def test_hard_links_are_one_if_size_and_time_agree(self) -> None:
        a, b = Path("/u/a.mp4"), Path("/u/b.mp4")
        assert n_files((a, status_of(n_links=2)), (b, status_of(n_links=2))) == 1
        assert n_files((a, status_of(n_links=2)), (b, status_of(11, n_links=2))) == 2
        assert n_files((a, status_of(n_links=2)), (b, status_of(mtime_s=LONG_AGO_S + 1, n_links=2))) == 2

    def test_one_path_is_one_file_even_while_it_grows(self) -> None:
        a = Path("/u/a.mp4")
        assert n_files((a, status_of(10)), (Path("/u/x/../a.mp4"), status_of(11))) == 1
        assert n_files((a, status_of(10, n_links=2)), (a, status_of(11, n_links=2))) == 1

    def test_a_link_on_the_way_leads_to_one_file(self, tmp_path: Path) -> None:
        make(tmp_path, "real/a.mp4")
        (tmp_path / "link").symlink_to("real")
        status = (tmp_path / "real/a.mp4").stat()
        assert n_files((tmp_path / "real/a.mp4", status), (tmp_path / "link/a.mp4", status)) == 1

    def test_another_spelling_of_a_path_is_one_file(self) -> None:
        composed, decomposed = (unicodedata.normalize(form, "/u/é.mp4") for form in ("NFC", "NFD"))
        assert n_files((Path(composed), status_of()), (Path(decomposed), status_of())) == 1
        assert n_files((Path("/u/A.mp4"), status_of()), (Path("/u/a.MP4"), status_of())) == 1
        assert n_files((Path("/u/A.mp4"), status_of()), (Path("/u/a.MP4"), status_of(11))) == 2


@pytest.fixture
def union(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder whose files all have one inode number."""
    folder = make(tmp_path / "union", "a.mp4", "b.mp4", "sub/c.mp4")
    (folder / "b.mp4").write_bytes(b"other")
    asked: list[str] = []
    really = os.stat
    scan = os.scandir

    def faked(status: os.stat_result) -> os.stat_result:
        fields = list(status)
        fields[1] = INODE
        asked.append("once")
        return os.stat_result(fields)

    class Entry:
        def __init__(self, entry: os.DirEntry[str]) -> None:
            self.name, self.path = entry.name, entry.path
            self.is_dir, self.is_symlink = entry.is_dir, entry.is_symlink

        def stat(self) -> os.stat_result:
            return faked(really(self.path))

    class Listing:
        def __init__(self, path: str) -> None:
            self.entries = [Entry(entry) for entry in scan(path)]

        def __enter__(self) -> list[Entry]:
            return self.entries

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(os, "scandir", Listing)
    monkeypatch.setattr(
        Path, "stat", lambda path, **_: faked(really(path)) if path.is_relative_to(folder) else really(path)
    )
    assert (folder / "a.mp4").stat().st_ino == (folder / "b.mp4").stat().st_ino == INODE
    return folder


class TestUnion:
    def test_files_of_a_folder_are_all_taken(self, union: Path) -> None:
        found = discovery.discover([union], FindOptions(recursive=True))
        assert (names(found), found.left_out) == (["a.mp4", "b.mp4", "sub/c.mp4"], [])

    def test_named_and_listed_ones_too(self, union: Path) -> None:
        named = [union / "a.mp4", union / "b.mp4"]
        assert names(discovery.discover(named, FindOptions())) == ["a.mp4", "b.mp4"]
        assert len(discovery.discover([], FindOptions(), named).sources) == 2
        both = discovery.discover([named[0], union], FindOptions())
        assert names(both) == ["a.mp4", "b.mp4"]
        assert [source.is_found for source in both.sources] == [False, True]

    def test_a_link_beside_them_is_the_file_it_leads_to(self, union: Path) -> None:
        (union / "z.mp4").symlink_to("b.mp4")
        found = discovery.discover([union], FindOptions())
        assert names(found) == ["a.mp4", "b.mp4"]
        assert reasons(found) == {"z.mp4": "the same file as b.mp4"}

    def test_a_log_of_that_inode_number_is_no_input(self, union: Path) -> None:
        observers.refuse_inputs("--log-file", union / "b.mp4", [union / "a.mp4"])
        with pytest.raises(UsageError, match="is an input"):
            observers.refuse_inputs("--log-file", union / "sub/../a.mp4", [union / "a.mp4"])
