"""Unicode spellings of one name are one name, whichever of them a disk, a ledger or a user has."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from qasr_cli.errors import CannotCreateError
from qasr_cli.options import CueOptions, Options, OutputOptions
from qasr_cli.records import Chunk, Finish, Hypothesis, Outcome, Source, Status
from qasr_cli.runs.files import atomic_write, spellings
from qasr_cli.runs.inputs.discovery import Discovered
from qasr_cli.runs.planning import output_plan
from qasr_cli.runs.planning.output_names import OutputLayout, Target
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.planning.queue import Queue
from qasr_cli.runs.state import journal, ledger
from qasr_cli.runs.watch.attempted import Attempted
from qasr_cli.speech.recognition.recognize import RecognizedChunk
from qasr_cli.tasks import fixed_copies, outputs

Spell = Callable[[str], str]
SUFFIXES = {"srt": ".srt", "vtt": ".vtt"}
NAMES = ("Café", "녹음", "が", "Ångström")


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


BOTH = pytest.mark.parametrize(("one", "other"), [(nfc, nfd), (nfd, nfc)])
EACH = pytest.mark.parametrize("name", NAMES)


def source_of(path: Path, number: int = 0, *, is_found: bool = True) -> Source:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"media")
    os.utime(path, (5, 5))
    return Source(number, path, Path(path.name), is_found)


def plans_of(*sources: Source, **options: object) -> list[Plan]:
    output = OutputOptions(**{"formats": ("srt",), **options})  # type: ignore[arg-type]
    return output_plan.plan(sources, OutputLayout.of(output, SUFFIXES))


@BOTH
@EACH
class TestOutputs:
    def test_a_result_under_the_other_spelling_exists(
        self, tmp_path: Path, name: str, one: Spell, other: Spell
    ) -> None:
        (tmp_path / f"{other(name)}.srt").touch()
        source = source_of(tmp_path / f"{one(name)}.mp4")
        (plan,) = plans_of(source)
        assert plan.skip == output_plan.DONE
        assert plan.existing["srt"].name == f"{other(name)}.srt"
        (plan,) = plans_of(source_of(source.path, is_found=False))
        assert isinstance(plan.error, CannotCreateError)
        (plan,) = plans_of(source, name="{stem}.{lang}.{ext}")
        assert not plan.skip
        (tmp_path / f"{other(name)}.ko.srt").touch()
        (plan,) = plans_of(source, name="{stem}.{lang}.{ext}")
        assert plan.skip == output_plan.DONE

    def test_two_sources_never_share_a_name(
        self, tmp_path: Path, name: str, one: Spell, other: Spell
    ) -> None:
        first, second = (
            source_of(tmp_path / f"{one(name)}.mp4"),
            source_of(tmp_path / f"{other(name)}.mkv", 1),
        )
        for options in ({}, {"name": "{stem}.{lang}.{ext}"}, {"folder": tmp_path / "out"}):
            plans = plans_of(first, second, **options)
            assert [plan.error is None for plan in plans] == [True, False]

    def test_nor_is_a_source_replaced(self, tmp_path: Path, name: str, one: Spell, other: Spell) -> None:
        media, text = source_of(tmp_path / f"{one(name)}.mp4"), source_of(tmp_path / f"{other(name)}.srt", 1)
        plan = plans_of(media, text, overwrite=True)[0]
        assert "would replace the input" in str(plan.error)

    def test_a_mirrored_folder_keeps_its_spelling(
        self, tmp_path: Path, name: str, one: Spell, other: Spell
    ) -> None:
        there = tmp_path / "out" / other(name)
        there.mkdir(parents=True)
        (there / "a.srt").touch()
        source = Source(0, tmp_path / "in" / one(name) / "a.mp4", Path(one(name)) / "a.mp4", is_found=True)
        (plan,) = plans_of(source, folder=tmp_path / "out")
        assert plan.skip == output_plan.DONE

    def test_writing_makes_no_second_file(self, tmp_path: Path, name: str, one: Spell, other: Spell) -> None:
        (tmp_path / f"{other(name)}.srt").write_text("old")
        path = tmp_path / f"{one(name)}.srt"
        with pytest.raises(CannotCreateError, match="already exists"):
            atomic_write.write(path, "new", is_overwrite=False)
        atomic_write.write(path, "new", is_overwrite=True, is_backup=True)
        assert sorted(file.read_text() for file in tmp_path.iterdir()) == ["new", "old"]
        assert path.read_text() == "new"

    def test_a_repaired_copy_exists_too(self, tmp_path: Path, name: str, one: Spell, other: Spell) -> None:
        (tmp_path / f"{other(name)}.fixed.srt").touch()
        with pytest.raises(CannotCreateError, match="already exists"):
            fixed_copies.fixed_paths([tmp_path / f"{one(name)}.srt"], None, is_overwrite=False)
        both = [tmp_path / f"{spelt(name)}.srt" for spelt in (nfc, nfd)]
        with pytest.raises(CannotCreateError, match="the copy of another file"):
            fixed_copies.fixed_paths(both, None, is_overwrite=True)

    def test_a_report_has_another_name(self, tmp_path: Path, name: str, one: Spell, other: Spell) -> None:
        plans = plans_of(source_of(tmp_path / f"{one(name)}.mp4"))
        outputs.refuse_report(tmp_path / f"{other(name)}.json", plans)
        with pytest.raises(Exception, match="also the path of a result"):
            outputs.refuse_report(tmp_path / f"{other(name)}.srt", plans)
        assert Target(tmp_path, (f"{one(name)}.", "lang", ".srt")).may_be(f"{other(name)}.en.srt")


@BOTH
@EACH
class TestState:
    """What a run on one system wrote, a run on another reads."""

    def run(self, source: Source, options: Options, *, is_done: bool = False) -> Plan:
        with journal.opened([source], options, lambda text: None) as kept:
            (plan,) = kept.decide(output_plan.plan([source], OutputLayout.of(options.output, SUFFIXES)))
            if is_done:
                kept.begin(source)
                result = source.path.with_suffix(".srt")
                result.write_text("1\n")
                kept.enter(Outcome(source, Status.DONE, outputs=(result,)))
            assert kept.is_own(source, source.path.with_suffix(".srt")) or not is_done
        return plan

    def test_a_ledger_holds_on_the_other_system(
        self, tmp_path: Path, name: str, one: Spell, other: Spell
    ) -> None:
        source, options = source_of(tmp_path / f"{one(name)}.mp4"), Options()
        self.run(source, options, is_done=True)
        for path in list(tmp_path.glob("*.*")):
            if path.is_file():
                path.rename(path.with_name(other(path.name)))
        source = source_of(tmp_path / f"{other(name)}.mp4")
        assert self.run(source, options).skip == output_plan.DONE
        changed = Options(cue=CueOptions(max_cps=9))
        plan = self.run(source, changed)
        assert (plan.note, plan.skip) == ("options changed", "")
        assert plan.may_replace(tmp_path / f"{one(name)}.srt")
        assert plan.may_replace(tmp_path / f"{other(name)}.srt")
        self.run(source, changed, is_done=True)
        assert len(ledger.load(tmp_path / ".qasr").entries) == 1

    def test_only_the_output_is_spelt_otherwise(
        self, tmp_path: Path, name: str, one: Spell, other: Spell
    ) -> None:
        source, options = source_of(tmp_path / f"{one(name)}.mp4"), Options()
        self.run(source, options, is_done=True)
        (tmp_path / f"{one(name)}.srt").rename(tmp_path / f"{other(name)}.srt")
        assert self.run(source, options).skip == output_plan.DONE
        plan = self.run(source, Options(cue=CueOptions(max_cps=9)))
        assert plan.note == "options changed"
        path = tmp_path / f"{one(name)}.srt"
        assert plan.may_replace(path)
        atomic_write.write(path, "2\n", is_overwrite=plan.may_replace(path))
        assert [file.name for file in tmp_path.glob("*.srt")] == [path.name]

    def test_a_checkpoint_is_resumed(self, tmp_path: Path, name: str, one: Spell, other: Spell) -> None:
        chunk = Chunk(0, 0, 0, 1000)
        found = [RecognizedChunk(chunk, Hypothesis("hi", "en", Finish.COMPLETE, 1), (), None)]
        options = Options()
        for spelt in (one, other):
            for path in tmp_path.glob("*.mp4"):
                path.unlink()
            source = source_of(tmp_path / f"{spelt(name)}.mp4")
            with journal.opened([source], options, lambda text: None) as kept:
                kept.begin(source)
                store = kept.checkpoint(source, "f")
                assert store is not None
                assert len(store.load([chunk])) == (0 if spelt is one else 1)
                store.add(found)

    def test_a_watch_does_not_try_it_twice(self, tmp_path: Path, name: str, one: Spell, other: Spell) -> None:
        seen = Attempted()
        (plan,) = plans_of(source_of(tmp_path / f"{one(name)}.mp4"))
        seen.begin()
        assert seen.sift(Discovered([plan.source], [], []), Queue([plan], [])) is not None
        seen.remember([Outcome(plan.source, Status.DONE)])
        plan.source.path.rename(tmp_path / f"{other(name)}.mp4")
        (plan,) = plans_of(source_of(tmp_path / f"{other(name)}.mp4"))
        seen.begin()
        assert seen.sift(Discovered([plan.source], [], []), Queue([plan], [])) is None


class TestSpelt:
    @BOTH
    def test_every_part_is_found(self, tmp_path: Path, one: Spell, other: Spell) -> None:
        there = tmp_path / other("é") / "plain" / other("ü.mp4")
        there.parent.mkdir(parents=True)
        there.touch()
        asked = tmp_path / one("é") / "plain" / one("ü.mp4")
        assert spellings.spelt(asked) == there
        assert spellings.exists(asked)
        assert spellings.spelt(asked.parent / "none.mp4") == there.parent / "none.mp4"
        assert not spellings.exists(asked.parent / "none.mp4")

    @pytest.mark.parametrize("n_parts", [1_300, 100_000])
    def test_of_more_parts_than_python_has_calls(self, n_parts: int) -> None:
        assert len(spellings.spelt(Path("é/" * n_parts)).parts) == n_parts

    def test_the_spelling_that_was_asked_for_comes_first(self, tmp_path: Path) -> None:
        for spelt in (nfc, nfd):
            (tmp_path / spelt("é")).touch()
        for spelt in (nfc, nfd):
            assert spellings.spelt(tmp_path / spelt("é")) == tmp_path / spelt("é")

    def test_ascii_costs_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "scandir", None)
        monkeypatch.setattr(os, "lstat", None)
        assert spellings.spelt(Path("none/a.mp4")) == Path("none/a.mp4")
        assert spellings.other_spelling(Path("none/a.mp4")) is None

    def test_relative_paths_and_names_that_are_not_utf8(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path(nfd("é.mp4")).touch()
        assert spellings.spelt(Path(nfc("é.mp4"))) == Path(nfd("é.mp4"))
        assert spellings.spelt(Path("\udcff/\udcfe")) == Path("\udcff/\udcfe")
