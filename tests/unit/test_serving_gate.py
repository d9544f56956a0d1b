"""What is refused before a body is read: keys, hosts, strangers' pages; and bodies that come too slowly."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.errors import UsageError
from qasr_cli.options.flag import walk
from qasr_cli.options.secret import HIDDEN, Secret, shown_arguments
from qasr_cli.options.serve import ServeOptions, keys_of, size_bytes
from qasr_cli.serving.http import gate, hosts
from qasr_cli.serving.http.failures import ApiError
from qasr_cli.serving.http.gate import PacedBody
from qasr_cli.serving.http.hosts import Hosts
from qasr_cli.serving.http.keys import Keys
from qasr_cli.serving.refusals import TooLargeError


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


class TestKeys:
    def test_without_keys_everything_is_accepted(self) -> None:
        assert Keys().accepts({})
        assert not Keys()

    @given(key=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1), other=st.text())
    def test_only_the_key_itself_is_accepted(self, key: str, other: str) -> None:
        keys = Keys([key, "another"])
        assert keys.accepts(bearer(key))
        assert keys.accepts({"x-api-key": key})
        assert keys.accepts({"authorization": "Basic " + base64.b64encode(f"any:{key}".encode()).decode()})
        if other.strip() not in {key, "another"}:
            assert not keys.accepts(bearer(other))
            assert not keys.accepts({"x-api-key": other.strip()})

    @pytest.mark.parametrize(
        "headers",
        [{}, {"authorization": ""}, {"authorization": "k"}, {"authorization": "Basic k"}, {"x-api-key": ""}],
    )
    def test_nothing_is_no_key(self, headers: Mapping[str, str]) -> None:
        assert not Keys(["k"]).accepts(headers)

    def test_they_are_replaced_as_a_whole(self) -> None:
        keys = Keys(["old"])
        keys.replace(["new"])
        assert keys.accepts(bearer("new"))
        assert not keys.accepts(bearer("old"))

    def test_nothing_shows_them(self) -> None:
        keys = keys_of(["one,two", " three ", "one"])
        assert [key.reveal() for key in keys] == ["one", "two", "three"]
        assert "three" not in repr(ServeOptions(key=keys))
        assert repr(Secret("x")) == HIDDEN

    @pytest.mark.parametrize("text", ["a b", "k\x00", "k\u00e9", "@file", "a\nb"])
    def test_what_no_header_can_carry_is_refused_unseen(self, text: str) -> None:
        with pytest.raises(UsageError) as caught:
            keys_of([text])
        assert text not in str(caught.value)


class TestHosts:
    def test_a_server_of_this_machine_has_its_names_only(self) -> None:
        ours = hosts.of_server("127.0.0.1", ("My.Proxy",), has_keys=True)
        for name in ("localhost:8000", "127.0.0.1", "[::1]:8000", "127.3.2.1", "a.localhost"):
            assert ours.accepts(name), name
        for name in ("evil.example", "192.168.1.2", "qasr", "127.0.0.1.evil.example", "", "::", "[x"):
            assert not ours.accepts(name), name

    def test_an_open_server_without_keys_has_names_that_no_stranger_owns(self) -> None:
        ours = hosts.of_server("0.0.0.0", ("asr.example",), has_keys=False)
        for name in ("192.168.1.2:8000", "[fe80::1]", "qasr:8000", "asr.example", "localhost"):
            assert ours.accepts(name), name
        for name in ("evil.example", "asr.example.evil", ""):
            assert not ours.accepts(name), name

    def test_keys_make_every_name_good_unless_some_are_named(self) -> None:
        assert hosts.of_server("0.0.0.0", (), has_keys=True).accepts("any.example")
        assert not hosts.of_server("0.0.0.0", ("my.example",), has_keys=True).accepts("any.example")

    @given(st.text())
    def test_any_text_is_judged(self, text: str) -> None:
        ours = Hosts(frozenset({"localhost"}), is_open=False)
        assert ours.accepts(text) in {True, False}
        assert hosts.is_foreign("POST", {"origin": text, "host": "localhost"}) in {True, False}

    @pytest.mark.parametrize(
        ("origin", "host", "is_foreign"),
        [
            *(("http://localhost:8000", "localhost:8000", False), ("https://a.example", "a.example", False)),
            *(("http://localhost:8001", "localhost:8000", True), ("null", "localhost", True)),
            *(("https://a.example:444", "a.example", True), ("http://[::1", "localhost", True)),
        ],
    )
    def test_an_origin_is_compared_with_the_host(self, origin: str, host: str, is_foreign: bool) -> None:
        assert hosts.is_foreign("POST", {"origin": origin, "host": host}) is is_foreign
        assert not hosts.is_foreign("GET", {"origin": origin, "host": host})


class TestPacedBody:
    """Windows of half a second in which 1,000 bytes must come."""

    @pytest.fixture(autouse=True)
    def _short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gate, "_WINDOW_S", 0.5)
        monkeypatch.setattr(gate, "_MIN_BYTES_PER_S", 2_000)

    @staticmethod
    def read(parts: list[tuple[float, int]], max_bytes: int = 10**6) -> int:
        """Read a body whose parts come after so many seconds each; return its size."""
        left = list(parts)

        async def receive() -> dict[str, Any]:
            pause_s, n_bytes = left.pop(0)
            await asyncio.sleep(pause_s)
            return {"type": "http.request", "body": b"a" * n_bytes, "more_body": bool(left)}

        async def read() -> int:
            body, n_bytes = PacedBody(receive, max_bytes), 0
            while True:
                message = await body()
                n_bytes += len(message["body"])
                if not message["more_body"]:
                    return n_bytes

        return asyncio.run(read())

    def test_one_that_keeps_the_pace_may_take_any_time(self) -> None:
        assert self.read([(0.1, 1_000)] * 8) == 8_000

    def test_a_pause_within_a_window_is_no_matter(self) -> None:
        assert self.read([(0.0, 10), (0.15, 10)]) == 20

    @pytest.mark.parametrize("parts", [[(9.0, 1)], [(0.1, 100)] * 9, [(0.0, 5_000), (9.0, 1)]])
    def test_one_that_does_not_ends(self, parts: list[tuple[float, int]]) -> None:
        with pytest.raises(ApiError) as caught:
            self.read(parts)
        assert caught.value.status == 408

    def test_one_that_is_too_large_ends(self) -> None:
        with pytest.raises(TooLargeError):
            self.read([(0.0, 600)] * 2, max_bytes=1_000)


class TestOptions:
    @pytest.mark.parametrize(
        ("text", "n_bytes"),
        [
            ("1", 1),
            ("500MB", 500_000_000),
            ("4GiB", 4 * 1024**3),
            ("4g", 4 * 1024**3),
            ("0.5 M", 524_288),
            ("7b", 7),
        ],
    )
    def test_sizes(self, text: str, n_bytes: int) -> None:
        assert size_bytes(text) == n_bytes

    @pytest.mark.parametrize("text", ["", "x", "-1", "1e9", "4 GiBs", "1i", "\u0661"])
    def test_what_is_no_size(self, text: str) -> None:
        with pytest.raises(UsageError):
            size_bytes(text)

    @pytest.mark.parametrize(
        ("arguments", "shown"),
        [
            (["serve", "--key", "s", "--port", "1"], ["serve", "--key", HIDDEN, "--port", "1"]),
            (["--key=s", "--key-file", "f"], [f"--key={HIDDEN}", "--key-file", "f"]),
            (["--key", "--key"], ["--key", HIDDEN]),
        ],
    )
    def test_a_command_line_is_shown_without_keys(self, arguments: list[str], shown: list[str]) -> None:
        assert list(shown_arguments(arguments, walk(ServeOptions))) == shown

    @pytest.mark.parametrize(
        "values",
        [
            *({"host": "http://x"}, {"host": ""}, {"port": -1}, {"max_upload_bytes": 0}, {"drain_s": -1.0}),
            *({"drain_s": float("nan")}, {"max_waiting_hours": float("inf")}, {"threads": 0}),
            *({"allowed_host": ("a b",)}, {"no_key": True, "key": (Secret("k"),)}, {"idle_unload_min": -1.0}),
        ],
    )
    def test_what_cannot_be(self, values: dict[str, Any]) -> None:
        with pytest.raises(UsageError):
            ServeOptions(**values)
