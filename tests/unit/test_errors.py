"""Errors: their codes, their facts, one harmless line."""

from __future__ import annotations

import errno
import itertools
import os
import pickle
from pathlib import Path

import pytest

from qasr_cli import errors
from qasr_cli.errors import (
    EXIT_CODE_MEANINGS,
    CannotCreateError,
    ExitCode,
    InputOutputError,
    NoInputError,
    QasrError,
    UndecodableError,
    UsageError,
)


def all_errors() -> list[type[QasrError]]:
    return [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, QasrError)]


@pytest.mark.parametrize(
    ("number", "code", "hint"),
    [
        (errno.ENOENT, 66, "check the path"),
        (errno.ENOTDIR, 66, "check the path"),
        (errno.ELOOP, 66, "check the path"),
        (errno.ENAMETOOLONG, 66, "check the path"),
        (errno.EACCES, 74, "check its permissions"),
        (errno.ESTALE, 74, "still mounted"),
        (errno.ENOTCONN, 74, "still mounted"),
        (errno.ETIMEDOUT, 74, "still mounted"),
        (errno.EIO, 74, "check the disk or network mount"),
    ],
)
def test_why_an_input_cannot_be_opened(number: int, code: int, hint: str) -> None:
    error = errors.from_read_error(OSError(number, os.strerror(number)), Path("/mnt/a.wav"))
    assert (error.exit_code, str(error.path)) == (code, "/mnt/a.wav")
    assert hint in error.hint


class TestErrors:
    def test_every_error_has_a_code_a_hint_and_a_place_in_the_tree(self) -> None:
        assert {QasrError, UsageError, CannotCreateError, InputOutputError} <= set(all_errors())
        for error in all_errors():
            assert error.__name__ in (errors.__doc__ or "")
            assert error("x").exit_code in ExitCode
            assert error("x").hint
            assert "\n" not in error("x").hint

    def test_an_error_survives_a_process_pool(self) -> None:
        error = pickle.loads(pickle.dumps(CannotCreateError("a.srt exists", "move it")))
        assert (str(error), error.hint, error.exit_code) == ("a.srt exists", "move it", 73)

    def test_a_hostile_name_is_one_harmless_line(self) -> None:
        error = UsageError("no \x1b[31mred\nname \udcff here \u202e rtl")
        assert str(error) == "no \\x1b[31mred\\nname \\udcff here \\u202e rtl"

    @pytest.mark.parametrize(
        ("number", "kind"),
        [
            (errno.EACCES, CannotCreateError),
            (errno.EROFS, CannotCreateError),
            (errno.ENAMETOOLONG, CannotCreateError),
            (errno.ENOSPC, InputOutputError),
            (errno.EIO, InputOutputError),
        ],
    )
    def test_an_os_error_becomes_the_right_one(self, number: int, kind: type[QasrError]) -> None:
        error = errors.from_os_error(OSError(number, "why"), "writing a.srt")
        assert type(error) is kind
        assert str(error) == "writing a.srt: why"

    @pytest.mark.parametrize(
        ("number", "name", "kind", "step"),
        [
            (errno.ENOSPC, "a.srt", InputOutputError, "free some space"),
            (errno.EDQUOT, "a.srt", InputOutputError, "raise the quota"),
            (errno.EFBIG, "a.srt", InputOutputError, "FAT: 4 GB"),
            (errno.EIO, "a.srt", InputOutputError, "check the disk"),
            (errno.ESTALE, "a.srt", InputOutputError, "still mounted"),
            (errno.ETIMEDOUT, "a.srt", InputOutputError, "still mounted"),
            (errno.ENOTCONN, "a.srt", InputOutputError, "still mounted"),
            (errno.ENOLCK, "lock", InputOutputError, "--state DIR"),
            (errno.EINVAL, "a.srt", InputOutputError, "does not support this"),
            (errno.EBUSY, "a.srt", InputOutputError, "close the program"),
            (errno.ENAMETOOLONG, "a.srt", CannotCreateError, "shorter name"),
            (errno.EILSEQ, "a.srt", CannotCreateError, "such characters"),
            (errno.EINVAL, "a: b.srt", CannotCreateError, 'without < > : " | ? *'),
            (errno.EINVAL, "why?.srt", CannotCreateError, 'without < > : " | ? *'),
            (errno.EPERM, 'a "b".srt', CannotCreateError, 'without < > : " | ? *'),
            (errno.EACCES, "a.srt", CannotCreateError, "check the folder and its permissions"),
        ],
    )
    def test_each_has_its_own_next_step(
        self, number: int, name: str, kind: type[QasrError], step: str
    ) -> None:
        error = errors.from_os_error(OSError(number, os.strerror(number)), path=Path("to") / name)
        assert type(error) is kind
        assert step in error.hint

    def test_only_a_full_disk_asks_for_space(self) -> None:
        asking = {
            number
            for number in errno.errorcode
            if "free some space" in errors.from_os_error(OSError(number, "why"), path=Path("a:b")).hint
        }
        assert asking == {errno.ENOSPC, errno.EDQUOT}

    def test_an_error_about_a_file_knows_it(self) -> None:
        error = NoInputError.about(Path("in/a\nb.mp4"), "no such file")
        assert error.path == Path("in/a\nb.mp4")
        assert (error.message, error.reason) == ("in/a\\nb.mp4: no such file", "no such file")
        again = pickle.loads(pickle.dumps(error))
        assert (again.path, again.reason, again.message) == (error.path, error.reason, error.message)

    def test_a_name_is_added_where_none_is_known(self) -> None:
        with pytest.raises(UsageError) as caught, errors.naming("a.srt"):
            raise UsageError("--encoding x: no such encoding, a.srt or not", flag="--encoding")
        assert caught.value.message == "a.srt: --encoding x: no such encoding, a.srt or not"
        assert (caught.value.path, caught.value.flag) == (Path("a.srt"), "--encoding")

    def test_a_name_that_is_known_stays(self) -> None:
        with pytest.raises(UndecodableError) as caught, errors.naming("b.srt"):
            raise UndecodableError("writing a.srt: why", path=Path("a.srt"))
        assert (caught.value.message, caught.value.path) == ("writing a.srt: why", Path("a.srt"))

    def test_an_os_error_about_a_file_begins_with_it(self) -> None:
        error = errors.from_os_error(OSError(errno.EIO, "why"), path=Path("a.srt"))
        assert (error.message, error.reason, error.path) == ("a.srt: why", "why", Path("a.srt"))

    def test_every_exit_code_has_its_meaning_in_order(self) -> None:
        assert list(EXIT_CODE_MEANINGS) == list(ExitCode)
        assert all(left < right for left, right in itertools.pairwise(EXIT_CODE_MEANINGS))
        assert all(meaning.endswith(".") for meaning in EXIT_CODE_MEANINGS.values())
