"""Links in folders, with --follow-links and without, and what else is passed over is counted."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from qasr_cli.errors import NoInputError
from qasr_cli.options import FindOptions
from qasr_cli.runs.inputs import discovery
from qasr_cli.runs.inputs.discovery import Discovered
from qasr_cli.runs.inputs.passed_over import PassedOver
from tests.trees import WAVE, make, names, reasons


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    make(tmp_path / "outside", "far.mp4", "deep/farther.mp4")
    return make(tmp_path / "tree", "b.mp4", "sub/c.mkv")


def find(tree: Path, *, follow_links: bool = True, recursive: bool = True) -> Discovered:
    return discovery.discover([tree], FindOptions(recursive=recursive, follow_links=follow_links))


class TestFollowing:
    def test_linked_files_and_folders_come_under_the_link_s_path(self, tree: Path) -> None:
        (tree / "a-link.mp4").symlink_to(tree.parent / "outside/far.mp4")
        (tree / "more").symlink_to("../outside/deep")
        found = find(tree)
        assert names(found) == ["a-link.mp4", "b.mp4", "more/farther.mp4", "sub/c.mkv"]
        assert found.sources[0].path == tree / "a-link.mp4"  # its results lie beside the link
        assert (found.left_out, found.passed_over) == ([], PassedOver())

    def test_a_folder_that_is_reached_twice_is_searched_once(self, tree: Path) -> None:
        for name in ("first", "second"):
            (tree / name).symlink_to("../outside")
        (tree / "third").symlink_to("first/deep")
        found = find(tree)
        assert names(found) == ["b.mp4", "first/far.mp4", "first/deep/farther.mp4", "sub/c.mkv"]
        assert reasons(found) == {
            "second": "a link to first, which is searched",
            "third": "a link to first/deep, which is searched",
        }

    @pytest.mark.parametrize("target", ["..", ".", "../.."])
    def test_a_loop_ends(self, tree: Path, target: str) -> None:
        (tree / "sub" / "loop").symlink_to(target)
        found = find(tree)
        assert sorted(names(found))[0] == "b.mp4"
        assert [path for path in names(found) if path.endswith(("b.mp4", "c.mkv"))] == ["b.mp4", "sub/c.mkv"]

    def test_two_folders_that_link_to_each_other(self, tree: Path) -> None:
        (tree / "sub/out").symlink_to("../../outside")
        (tree.parent / "outside/back").symlink_to("../tree")
        assert names(find(tree)) == ["b.mp4", "sub/c.mkv", "sub/out/far.mp4", "sub/out/deep/farther.mp4"]

    def test_a_real_name_goes_before_one_behind_a_link(self, tree: Path) -> None:
        (tree / "0").symlink_to("sub")
        (tree / "1.mkv").symlink_to("sub/c.mkv")
        found = find(tree)
        assert names(found) == ["b.mp4", "sub/c.mkv"]
        assert reasons(found) == {
            "0": "a link to sub, which is searched",
            "1.mkv": "the same file as sub/c.mkv",
        }

    def test_what_two_inputs_lead_to_comes_once(self, tree: Path) -> None:
        (tree / "more").symlink_to("../outside")
        options = FindOptions(recursive=True, follow_links=True)
        found = discovery.discover([tree, tree.parent / "outside"], options)
        assert names(found) == ["b.mp4", "sub/c.mkv", "far.mp4", "deep/farther.mp4"]

    def test_without_subfolders_linked_ones_are_not_searched(self, tree: Path) -> None:
        (tree / "more").symlink_to("../outside")
        found = find(tree, recursive=False)
        assert names(found) == ["b.mp4"]
        assert reasons(found) == {"more": "a linked folder (-r --follow-links searches it)"}

    def test_a_hidden_folder_that_a_link_leads_to_is_searched(self, tree: Path) -> None:
        make(tree, ".store/d.mp4")
        (tree / "shown").symlink_to(".store")
        assert names(find(tree)) == ["b.mp4", "shown/d.mp4", "sub/c.mkv"]
        assert find(tree, follow_links=False).passed_over.n_linked_folders == 1


class TestCounting:
    def test_each_kind_has_its_count_and_the_flag_that_includes_it(
        self, tree: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outside = tree.parent / "outside"
        (tree / "out.mp4").symlink_to(outside / "far.mp4")
        make(tree.parent, "outside/voice", content=WAVE)
        (tree / "voice").symlink_to(outside / "voice")
        (tree / "more").symlink_to(outside)
        (tree / "gone").symlink_to("nowhere")
        (tree / "ring.mp4").symlink_to("ring.mp4")
        (tree / "notes.txt.lnk").symlink_to("nowhere.txt")
        os.mkfifo(tree / "pipe")
        make(tree, ".hidden.mp4", "._b.mp4", ".profile", "empty.xyz")
        make(tree, "a.xyz", "b.XYZ", "c.abc", "nameless", content=b"\x93\x01\x02\x03" * 9)
        make(tree, "words.foo", "script", content=b"echo words\n")
        with socket.socket(socket.AF_UNIX) as listener:
            monkeypatch.chdir(tree)  # the path of a socket has at most 107 bytes
            listener.bind("socket")
        found = find(tree, follow_links=False)
        assert names(found) == ["b.mp4", "sub/c.mkv"]
        assert found.passed_over == PassedOver(2, 1, 3, 2, 1, {".xyz": 2, ".abc": 1, "": 1})
        assert found.passed_over.words() == (
            "2 links, 1 linked folder (--follow-links); 4 files of unknown kind (.xyz, no suffix, .abc), "
            "1 hidden file (name them to transcribe them); 3 broken links; "
            "2 special files (FIFO, socket or device)"
        )
        assert reasons(found)["out.mp4"].endswith("(--follow-links includes it)")
        assert reasons(found)["more"] == "a linked folder (--follow-links searches it)"
        assert reasons(found)["gone"] == "a broken link (No such file or directory)"
        assert reasons(found)["ring.mp4"].startswith("a loop of links")
        assert reasons(found)["pipe"] == "a FIFO, not a file"
        assert reasons(found)["socket"] == "a socket, not a file"

    def test_a_link_to_what_is_searched_anyway_is_not_passed_over(self, tree: Path) -> None:
        (tree / "again").symlink_to("sub")
        (tree / "sub/loop").symlink_to(tree)
        assert find(tree, follow_links=False).passed_over == PassedOver()

    def test_a_file_of_unknown_kind_that_may_not_be_read_is_counted(
        self, tree: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make(tree, "closed.xyz", content=WAVE)
        really_open = os.open

        def opened(path: Path, flags: int, *rest: int, dir_fd: int | None = None) -> int:
            if Path(path).name == "closed.xyz":
                raise PermissionError(13, "Permission denied")
            return really_open(path, flags, *rest, dir_fd=dir_fd)

        monkeypatch.setattr(os, "open", opened)
        assert find(tree).passed_over.words() == ("1 file of unknown kind (.xyz) (name it to transcribe it)")

    def test_many_suffixes_are_shortened_and_harmless(self) -> None:
        words = PassedOver(unknown={f".x{n}": 9 - n for n in range(7)} | {".\x9b": 20}).words()
        assert words == (
            "62 files of unknown kind (.\\x9b, .x0, .x1, .x2, .x3, ...) (name them to transcribe them)"
        )

    def test_a_folder_without_media_says_what_it_passed_over(self, tmp_path: Path) -> None:
        make(tmp_path, "a.xyz", content=b"\x93\x01\x02\x03" * 9)
        with pytest.raises(NoInputError, match=r"no media files in .*; passed over: 1 file of unknown kind"):
            find(tmp_path)

    def test_a_folder_of_links_is_no_folder_without_media(self, tree: Path, tmp_path: Path) -> None:
        (tmp_path / "links").mkdir()
        (tmp_path / "links/tree").symlink_to(tree)
        found = find(tmp_path / "links", follow_links=False)
        assert (names(found), found.passed_over.words()) == ([], "1 linked folder (--follow-links)")
        assert names(find(tmp_path / "links")) == ["tree/b.mp4", "tree/sub/c.mkv"]
