"""Chunks that servers reject, and requests that they refuse: who fails for it, and what a user is told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from qasr_cli.engines.remote.recognizer import RemoteRecognizer
from qasr_cli.errors import QasrError, RemoteError, ServersLostError
from qasr_cli.options.remote import to_secret
from qasr_cli.speech.inference import batching
from tests import speech_server
from tests.remote_batches import FREE, check_all_answered_once, chunks, connect, texts
from tests.speech_server import Action, SpeechServer


@pytest.fixture
def server() -> Iterator[SpeechServer]:
    with speech_server.serving(SpeechServer()) as one:
        yield one


class TestRejected:
    """A chunk that a server refuses fails alone, and nothing is asked for twice."""

    def reject(self, audio: np.ndarray, *statuses: int) -> Action:
        bad = texts([audio])[0]
        answers = iter(statuses * 100)

        def act(handler: speech_server.Handler, heard: speech_server.Heard) -> None:
            if speech_server.digest_of(heard).text == bad:
                handler.error(next(answers), "Input length (2618) exceeds 2048")
            else:
                handler.answer(heard)

        return act

    def try_each(self, recognizer: RemoteRecognizer, audio: Sequence[np.ndarray]) -> list[object]:
        def attempt(part: Sequence[np.ndarray]) -> list[object] | QasrError:
            try:
                return [one.text for one in recognizer.recognize(part, FREE)]
            except QasrError as error:
                return error

        return list(batching.try_each(audio, attempt))

    @pytest.mark.parametrize("status", [400, 413, 422])
    def test_at_once(self, status: int, server: SpeechServer) -> None:
        audio = chunks(8, 0.6)
        server.always = self.reject(audio[3], status)
        found = self.try_each(connect(server), audio)
        error = found.pop(3)
        assert isinstance(error, QasrError)
        assert not isinstance(error, RemoteError)
        assert str(error) == f"{server.url} answers {status}: Input length (2618) exceeds 2048"
        assert found == texts([*audio[:3], *audio[4:]])
        check_all_answered_once(audio, server)

    def test_after_several_failures_of_a_server_that_works_otherwise(self, server: SpeechServer) -> None:
        """A chunk on which a server falls over is to blame; not so if it falls over on all of them."""
        audio = chunks(3, 0.6)
        server.always = self.reject(audio[1], 500)
        found = self.try_each(connect(server, patience_min=1), audio)
        assert isinstance(found[1], QasrError)
        assert "answers 500" in str(found[1])
        assert [found[0], found[2]] == texts([audio[0], audio[2]])
        assert Counter(server.digests)[server.digests[0]] <= 4
        assert len(server.heard) == 2 + 4

    def test_a_failure_is_forgotten_with_its_batch(self, server: SpeechServer) -> None:
        """A watch tries a file again the next day, with the same recognizer."""
        audio = chunks(2, 0.6)
        server.always = self.reject(audio[0], 400)
        recognizer = connect(server)
        assert isinstance(self.try_each(recognizer, audio)[0], QasrError)
        server.always = None
        assert self.try_each(recognizer, audio) == texts(audio)

    def test_equal_chunks_have_an_answer_each(self, server: SpeechServer) -> None:
        one, bad = chunks(2, 0.6)
        server.always = self.reject(bad, 400)
        found = self.try_each(connect(server), [one, bad, one])
        assert [found[0], found[2]] == texts([one, one])
        assert len(server.heard) == 3


class TestRefused:
    """What the next chunk would meet as well ends everything, at once and with a hint."""

    @pytest.mark.parametrize(
        ("action", "said", "hint"),
        [
            (speech_server.status(401, b'{"error": "Unauthorized"}'), "401: Unauthorized", "QASR_SERVER_KEY"),
            (speech_server.status(403, b"Forbidden"), "403: Forbidden", "QASR_SERVER_KEY"),
            (speech_server.status(402, b'{"error":{"message":"no credit"}}'), "402: no credit", "credit"),
            (speech_server.status(404, b'{"detail":"Not Found"}'), "404: Not Found", "--server-model"),
            (
                speech_server.status(302, Location="https://u:p@sso.example.org/in?ticket=s3cret"),
                "302, a redirect to https://sso.example.org/in",
                "not followed",
            ),
        ],
    )
    def test_in_the_middle(self, action: Action, said: str, hint: str, server: SpeechServer) -> None:
        audio = chunks(40, 0.6)
        recognizer = connect(server, in_flight=2)
        server.script = [speech_server.after(0.05), speech_server.after(0.05)]
        server.always = action
        with pytest.raises(RemoteError) as caught:
            recognizer.recognize(audio, FREE)
        assert not isinstance(caught.value, ServersLostError)
        assert str(caught.value) == f"{server.url} answers {said}"
        assert hint in caught.value.hint
        assert len(server.heard) < 8

    def test_and_the_next_run_tries_again(self, server: SpeechServer) -> None:
        audio = chunks(2, 0.6)
        recognizer = connect(server)
        server.script = [speech_server.status(401)] * 2
        with pytest.raises(RemoteError):
            recognizer.recognize(audio, FREE)
        server.script = []
        assert [one.text for one in recognizer.recognize(audio, FREE)] == texts(audio)

    def test_the_key_is_never_shown(self, server: SpeechServer) -> None:
        key = "sk-very-secret"
        server.key = key
        recognizer = connect(server, server_key=to_secret(key))
        server.always = speech_server.status(401, json.dumps({"error": {"message": f"bad {key}"}}).encode())
        with pytest.raises(RemoteError) as caught:
            recognizer.recognize(chunks(1), FREE)
        assert str(caught.value) == f"{server.url} answers 401: bad (hidden)"
        assert server.heard[-1].authorization == f"Bearer {key}"
