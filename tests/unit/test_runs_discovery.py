"""Which files a run is about: names, contents, links, patterns, lists and parts."""

from __future__ import annotations

import codecs
import itertools
import os
import subprocess
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.errors import ExitCode, InputOutputError, NoInputError, UsageError
from qasr_cli.options import FindOptions, Options, OutputOptions
from qasr_cli.runs.execution.run import Run
from qasr_cli.runs.inputs import discovery, file_lists, folder_walk, selection
from qasr_cli.runs.planning import output_plan, queue
from qasr_cli.runs.planning.output_names import OutputLayout
from qasr_cli.terminal.progress import QuietReporter
from tests.trees import LONG_AGO_S, WAVE, make, names, reasons

EVERYTHING = FindOptions(recursive=True)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    names = ["b.mp4", "a.wav", "notes.txt", ".hidden.mp4", "sub/c.MKV", "sub/deep/d.flac", "@eaDir/e.mp4"]
    return make(tmp_path / "tree", *names)


def find(*paths: Path, **options: object) -> list[str]:
    return names(discovery.discover(paths, FindOptions(**options)))  # type: ignore[arg-type]


class TestFolders:
    def test_a_folder_gives_its_media_by_name(self, tree: Path) -> None:
        assert find(tree) == ["a.wav", "b.mp4"]
        assert find(tree, recursive=True) == ["a.wav", "b.mp4", "sub/c.MKV", "sub/deep/d.flac"]

    def test_a_named_file_is_taken_whatever_it_is_called(self, tree: Path) -> None:
        found = discovery.discover([tree / "notes.txt", tree], FindOptions()).sources
        assert [(source.id, source.relative.name, source.is_found) for source in found] == [
            (0, "notes.txt", False),
            (1, "a.wav", True),
            (2, "b.mp4", True),
        ]

    def test_a_missing_path_and_an_empty_folder_are_no_input(self, tree: Path) -> None:
        with pytest.raises(NoInputError, match=r"gone\.mp4: no such file"):
            find(tree / "gone.mp4")
        (tree / "empty").mkdir()
        with pytest.raises(NoInputError) as caught:
            find(tree / "empty")
        assert "-r" in caught.value.hint

    def test_a_folder_that_cannot_be_read_stops_no_other(
        self, tree: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scan = os.scandir

        def scandir(folder: str) -> object:
            if folder.endswith("sub"):
                raise PermissionError(13, "Permission denied")
            return scan(folder)

        monkeypatch.setattr(os, "scandir", scandir)
        found = discovery.discover([tree], EVERYTHING)
        assert names(found) == ["a.wav", "b.mp4"]
        assert [failure.path.name for failure in found.failures] == ["sub"]
        assert isinstance(found.failures[0].error, InputOutputError)
        assert "sub: Permission denied" in str(found.failures[0].error)
        for name in ("a.srt", "b.srt"):
            (tree / name).touch()
        plans = output_plan.plan(found.sources, OutputLayout.of(OutputOptions(), {"srt": ".srt"}))
        chosen = queue.choose(plans, found.failures, EVERYTHING)
        run = Run(
            Options(), lambda: pytest.fail("there is nothing to do"), QuietReporter(), lambda text: None
        )
        assert run.execute(chosen.plans).exit_code is ExitCode.PARTIAL

    def test_a_deep_tree_is_no_trouble(self, tmp_path: Path) -> None:
        here = os.open(tmp_path, os.O_RDONLY)
        try:
            for _ in range(1500):  # deeper than Python's recursion, and near the longest path there is
                os.mkdir("d", dir_fd=here)
                below = os.open("d", os.O_RDONLY, dir_fd=here)
                os.close(here)
                here = below
            os.close(os.open("a.wav", os.O_CREAT | os.O_WRONLY, dir_fd=here))
            found = discovery.discover([tmp_path], EVERYTHING)
            assert [source.path.name for source in found.sources] == ["a.wav"]
        finally:
            os.close(here)
            subprocess.run(["rm", "-r", tmp_path / "d"], check=True)  # pytest's own clearing up recurses

    @pytest.mark.parametrize(
        "name",
        [
            *(
                "a.mp4.part",
                "a.mp4.crdownload",
                "a.mkv.!qB",
                "a.tmp",
                "a.mp4.partial",
                "a.mp4.aria2",
                "a.mp4~",
            ),
            *("a.unmanic.mkv", ".syncthing.a.mp4.tmp", "~syncthing~a.mp4.tmp", "a-TdarrCacheFile-x1.mkv"),
            *("a.mkv.filepart", "a.mp4.part-Frag7", "a.mkv.bak"),
        ],
    )
    def test_partial_downloads_and_working_copies_are_ignored(self, tree: Path, name: str) -> None:
        make(tree, name, content=WAVE)
        assert find(tree) == ["a.wav", "b.mp4"]

    def test_a_file_beside_its_download_s_companion_is_not_complete(self, tree: Path) -> None:
        make(tree, "b.mp4.aria2", "a.wav.part")
        found = discovery.discover([tree], FindOptions())
        assert names(found) == []
        assert reasons(found)["b.mp4"] == "a partial download or a working copy"


class TestLinks:
    def test_nothing_comes_twice(self, tree: Path) -> None:
        os.link(tree / "a.wav", tree / "linked.wav")
        (tree / "again.wav").symlink_to(tree / "a.wav")
        assert find(tree / "a.wav", tree, tree) == ["a.wav", "b.mp4"]

    def test_a_real_name_goes_before_a_link_to_it(self, tree: Path) -> None:
        (tree / "0-link.mp4").symlink_to("b.mp4")
        found = discovery.discover([tree], FindOptions())
        assert names(found) == ["a.wav", "b.mp4"]
        assert reasons(found) == {"0-link.mp4": "the same file as b.mp4"}

    @pytest.mark.parametrize("is_named_first", [False, True])
    def test_a_file_that_is_named_stays_so_beside_its_folder(self, tree: Path, is_named_first: bool) -> None:
        inputs = [tree / "a.wav", tree] if is_named_first else [tree, tree / "a.wav"]
        found = discovery.discover(inputs, FindOptions())
        assert {str(one.relative): one.is_found for one in found.sources} == {"a.wav": False, "b.mp4": True}

    def test_excluding_one_name_keeps_the_other(self, tree: Path) -> None:
        os.link(tree / "a.wav", tree / "sub" / "again.wav")
        assert find(tree, recursive=True, exclude=("a.wav", "*.flac", "*.mp4", "*.MKV")) == ["sub/again.wav"]

    def test_no_two_machines_take_a_name_of_one_file_each(self, tree: Path) -> None:
        for number in range(20):
            os.link(tree / "a.wav", tree / f"again-{number}.wav")
        assert sorted(find(tree, shard=(1, 2)) + find(tree, shard=(2, 2))) == ["a.wav", "b.mp4"]

    def test_a_link_to_what_is_hidden_in_the_tree_is_the_file(self, tree: Path) -> None:
        (tree / "kept.mp4").symlink_to(".hidden.mp4")  # how git-annex keeps large files
        assert find(tree) == ["a.wav", "b.mp4", "kept.mp4"]

    def test_no_link_leads_out_of_the_folder(self, tree: Path) -> None:
        make(tree.parent, "tree-outside/f.mp4")
        (tree / "out.mp4").symlink_to(tree.parent / "tree-outside" / "f.mp4")
        (tree / "away").symlink_to(tree.parent / "tree-outside")
        found = discovery.discover([tree], EVERYTHING)
        assert len(names(found)) == 4
        assert reasons(found) == {
            "out.mp4": "a link that leads out of the folder (--follow-links includes it)",
            "away": "a linked folder (--follow-links searches it)",
        }
        assert find(tree / "out.mp4") == ["out.mp4"]  # named: the user means it

    def test_loops_and_links_to_nothing_are_no_trouble(self, tree: Path) -> None:
        (tree / "sub" / "loop").symlink_to(tree)
        (tree / "dangling.mp4").symlink_to(tree / "gone.mp4")
        (tree / "ring.mp4").symlink_to("ring.mp4")
        os.mkfifo(tree / "pipe.mp4")
        found = discovery.discover([tree], EVERYTHING)
        assert len(names(found)) == 4
        assert set(reasons(found)) == {"dangling.mp4", "ring.mp4", "pipe.mp4"}


class TestContents:
    def test_media_without_a_name_for_it_is_found_and_the_rest_is_not_opened(
        self, tree: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make(tree, "voice", "memo.bin", content=WAVE)
        make(tree, "program.x", content=b"\x7fELF" + bytes(200))
        make(tree, "MAC list", content=b"MAC addresses of the house\n")
        opened: list[str] = []
        read = folder_walk._head

        def watched(path: str) -> bytes | None:
            opened.append(Path(path).name)
            return read(path)

        monkeypatch.setattr(folder_walk, "_head", watched)
        assert find(tree) == ["a.wav", "b.mp4", "memo.bin", "voice"]
        assert sorted(opened) == ["MAC list", "memo.bin", "program.x", "voice"]

    def test_typescript_is_no_transport_stream(self, tree: Path) -> None:
        make(tree, "index.ts", content="const grüße: string = 'hi';\n".encode())
        make(tree, "tv.ts", content=(b"G" + bytes(187)) * 8)
        found = discovery.discover([tree], FindOptions())
        assert names(found) == ["a.wav", "b.mp4", "tv.ts"]
        assert reasons(found) == {"index.ts": "a text file despite its name"}


class TestPatternsOfTheCommandLine:
    def test_what_no_shell_has_expanded_is_expanded(self, tree: Path) -> None:
        assert find(tree / "*.mp4", tree / "**" / "*.flac") == ["b.mp4", "d.flac"]
        with pytest.raises(NoInputError, match=r"no file matches"):
            find(tree / "*.ogg")

    def test_any_spelling_of_the_letters_will_do(self, tree: Path) -> None:
        composed, decomposed = unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")
        for letter in (composed, decomposed):
            make(tree / letter, f"{letter}{len(letter)}.mp4")
        for letter in (composed, decomposed):
            assert [name[-5] for name in find(tree / f"{letter}/{letter}*.mp4")] == ["2", "1"]

    def test_a_file_of_that_very_name_goes_first(self, tree: Path) -> None:
        make(tree, "[ab].mp4")
        assert find(tree / "[ab].mp4") == ["[ab].mp4"]


class TestSelection:
    def test_patterns_are_about_names_folders_and_paths(self, tree: Path) -> None:
        assert find(tree, recursive=True, include=("*.wav", "deep")) == ["a.wav", "sub/deep/d.flac"]
        assert find(tree, recursive=True, include=("sub/*",)) == ["sub/c.MKV", "sub/deep/d.flac"]
        assert find(tree, recursive=True, include=("sub",), exclude=("*.flac",)) == ["sub/c.MKV"]
        found = discovery.discover([tree], FindOptions(include=("b*",), exclude=("*.mp4",)))
        assert reasons(found) == {"a.wav": "no --include matches", "b.mp4": "excluded by *.mp4"}

    def test_accents_match_however_they_are_written(self, tree: Path) -> None:
        make(tree, unicodedata.normalize("NFD", "한국어 é.mp4"))
        assert len(find(tree, include=(unicodedata.normalize("NFC", "*한국어 é*"),))) == 1

    def test_newer_than(self, tree: Path) -> None:
        os.utime(tree / "b.mp4", (LONG_AGO_S + 60, LONG_AGO_S + 60))
        assert find(tree, newer_than_s=(tree / "a.wav").stat().st_mtime) == ["b.mp4"]

    def test_orders(self, tree: Path) -> None:
        make(tree, "big.mp4", content=bytes(9))
        os.utime(tree / "b.mp4", (LONG_AGO_S + 60, LONG_AGO_S + 60))
        os.utime(tree / "big.mp4", (LONG_AGO_S - 60, LONG_AGO_S - 60))
        assert find(tree) == ["a.wav", "b.mp4", "big.mp4"]
        assert find(tree, order="newest") == ["b.mp4", "a.wav", "big.mp4"]
        assert find(tree, order="oldest") == ["big.mp4", "a.wav", "b.mp4"]
        assert find(tree, order="largest") == ["big.mp4", "a.wav", "b.mp4"]
        assert find(tree, order="smallest") == ["a.wav", "b.mp4", "big.mp4"]

    @given(st.lists(st.text("aé한\u0301/", min_size=1, max_size=8), max_size=20), st.integers(1, 9))
    def test_every_file_is_in_one_part_and_machines_agree(self, paths: list[str], n_parts: int) -> None:
        for path in paths:
            relative = Path(f"x{path}.mp4")
            part = selection.shard_of(relative, n_parts)
            assert 1 <= part <= n_parts
            assert part == selection.shard_of(Path(unicodedata.normalize("NFD", str(relative))), n_parts)
            assert part == selection.shard_of(relative.with_suffix(".mkv"), n_parts)  # results would clash

    def test_parts_are_about_even_and_stay_what_they_are(self) -> None:
        parts = [selection.shard_of(Path(f"talks/{number}.mp4"), 8) for number in range(8000)]
        assert all(900 < parts.count(part) < 1100 for part in range(1, 9))
        assert parts[:6] == [1, 7, 3, 7, 4, 3]  # another hash would have two machines do one file

    def test_the_parts_together_are_the_whole(self, tree: Path) -> None:
        parts = [find(tree, recursive=True, shard=(part, 3)) for part in (1, 2, 3)]
        assert sorted(itertools.chain(*parts)) == sorted(find(tree, recursive=True))


class TestLists:
    def read(self, path: Path, content: bytes, *, is_null_separated: bool = False) -> list[Path]:
        path.write_bytes(content)
        return file_lists.read(str(path), is_null_separated=is_null_separated)

    def test_lines_and_zero_bytes(self, tmp_path: Path) -> None:
        path = tmp_path / "list"
        assert self.read(path, b"\xef\xbb\xbfa b.mp4\r\n\n#c.mp4\n") == [Path("a b.mp4"), Path("#c.mp4")]
        assert self.read(path, b"a\nb.mp4\0\xff.wav\0", is_null_separated=True) == [
            Path("a\nb.mp4"),
            Path("\udcff.wav"),
        ]
        assert self.read(path, b"") == []
        with pytest.raises(UsageError, match="zero bytes"):
            self.read(path, b"a\0b\0")
        with pytest.raises(NoInputError, match="gone: no such file"):
            file_lists.read(str(tmp_path / "gone"), is_null_separated=False)

    @pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
    @pytest.mark.parametrize(
        "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "MARKED"]
    )
    def test_a_list_of_a_windows_program(self, tmp_path: Path, encoding: str, ending: str) -> None:
        names = ["talks/a b.mp4", "회의 녹음.m4a", "Café.wav"]
        text = (ending or "\n").join(names) + ending
        mark = codecs.BOM_UTF16_BE if encoding == "MARKED" else b""
        content = mark + text.encode("utf-16-be" if mark else encoding)
        assert self.read(tmp_path / "list", content) == list(map(Path, names))

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
    def test_of_one_line_too(self, tmp_path: Path, encoding: str) -> None:
        assert self.read(tmp_path / "list", "talk.mp4".encode(encoding)) == [Path("talk.mp4")]

    def test_marked_lists_may_have_zero_bytes_between_names(self, tmp_path: Path) -> None:
        for encoding in ("utf-16", "utf-8-sig"):
            content = "a\nb.mp4\0é.mp4\0".encode(encoding)
            assert self.read(tmp_path / "list", content, is_null_separated=True) == [
                Path("a\nb.mp4"),
                Path("é.mp4"),
            ]

    @pytest.mark.parametrize(
        "content", [b"a.mp4\0b.mp4\0", b"ab\0cd\0", b"a\0", "영상.mp4\0녹음.mp4\0".encode(), b"talk.mp4\0"]
    )
    def test_zero_bytes_between_names_are_no_utf_16(self, tmp_path: Path, content: bytes) -> None:
        with pytest.raises(UsageError, match="zero bytes"):
            self.read(tmp_path / "list", content)

    def test_damaged_utf_16_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="damaged UTF-16-LE") as raised:
            self.read(tmp_path / "list", codecs.BOM_UTF16_LE + b"a\0b")
        assert raised.value.hint == "save the list as UTF-8"

    def test_a_tilde_and_another_spelling(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.chdir(tmp_path)
        Path("~kept.mp4").touch()
        Path("e\u0301.mp4").touch()
        assert self.read(tmp_path / "list", "~/a.mp4\n~kept.mp4\né.mp4\n./b.mp4\n".encode()) == [
            tmp_path / "home" / "a.mp4",
            Path("~kept.mp4"),
            Path("e\u0301.mp4"),
            Path("b.mp4"),
        ]

    def test_what_is_listed_keeps_its_folders_and_what_is_missing_is_one_failure(
        self, tree: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tree)
        listed = [Path("sub/c.MKV"), Path("gone.mp4"), Path("x" * 300), tree / "b.mp4", Path("sub/deep")]
        found = discovery.discover([], FindOptions(), listed)
        assert names(found) == ["sub/c.MKV", "b.mp4", "d.flac"]
        assert all(source.is_found for source in found.sources)
        assert [failure.path for failure in found.failures] == listed[1:3]
        assert discovery.discover([], FindOptions(), []).sources == []
