"""What `qasr doctor` finds, check by check."""

from __future__ import annotations

import pytest

from qasr_cli.cli import doctor
from qasr_cli.errors import UndecodableError


def test_the_doctor_names_the_extra_of_a_missing_library() -> None:
    here, gone = doctor._extra("pytest", "serve", "x"), doctor._extra("no-such-package", "serve", "qasr x")
    assert here.detail == f"pytest {pytest.__version__}, for x"
    assert gone.detail == "no-such-package is not installed; only qasr x needs it: pip install 'qasr[serve]'"
    assert here.state == gone.state == "ok"


@pytest.mark.parametrize(
    ("trouble", "next_step"),
    [
        (RuntimeError("CUDA error: device is busy\nCompile with more"), "device is busy; update the driver"),
        (ImportError("No module named 'huggingface_hub'"), "reinstall with"),
        (PermissionError(13, "Permission denied"), "set TMPDIR or HF_HOME"),
        (UndecodableError("torn", "mend it"), "torn; mend it"),
    ],
)
def test_the_doctor_goes_on_where_something_is_missing(trouble: Exception, next_step: str) -> None:
    def check() -> doctor.Diagnosis:
        raise trouble

    found = doctor._run(check)
    assert (found.state, next_step in found.detail, "\n" in found.detail) == ("missing", True, False)
