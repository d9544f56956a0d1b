"""What a session learns and keeps."""

from __future__ import annotations

import pytest

from qasr_cli.errors import UnavailableError
from qasr_cli.options import EngineOptions
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.speech.inference.session import Session
from tests import fakes


def test_a_notice_is_new_once() -> None:
    session = Session(fakes.echo(EngineOptions()))
    assert [session.is_new(notice) for notice in ("a", "b", "a")] == [True, True, False]
    assert Session(session.engines).is_new("a")


def test_the_fallback_is_loaded_once_and_keeps_what_it_learns() -> None:
    loaded: list[Engines] = []

    def load() -> Engines:
        loaded.append(fakes.echo(EngineOptions()))
        return loaded[-1]

    session = Session(fakes.echo(EngineOptions()), load)
    assert session.has_fallback
    assert not loaded
    assert session.fallback() is session.fallback()
    assert len(loaded) == 1
    assert not session.fallback().has_fallback


def test_a_fallback_that_cannot_be_loaded_is_dropped() -> None:
    def load() -> Engines:
        raise UnavailableError("none")

    session = Session(fakes.echo(EngineOptions()), load)
    with pytest.raises(UnavailableError):
        session.fallback()
    session.drop_fallback()
    assert not session.has_fallback


def test_without_aligner_the_recognizer_is_the_same() -> None:
    session = Session(fakes.echo(EngineOptions()))
    assert session.without_aligner().aligner is None
    assert session.without_aligner().recognizer is session.recognizer
    assert session.aligner is not None
