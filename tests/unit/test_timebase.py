"""Milliseconds, samples and clocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli import timebase


class TestTimebase:
    @given(st.integers(0, 10**9))
    def test_milliseconds_and_samples_are_exact(self, time_ms: int) -> None:
        assert timebase.samples_to_ms(timebase.ms_to_samples(time_ms)) == time_ms

    @given(st.integers(0, 10**10))
    def test_rounding_up_never_cuts_a_sample(self, n_samples: int) -> None:
        time_ms = timebase.samples_to_ms(n_samples)
        assert 0 <= timebase.ms_to_samples(time_ms) - n_samples < timebase.SAMPLES_PER_MS

    @given(st.integers(0, 10**8))
    def test_seconds_of_an_outsider_come_back_to_the_same_millisecond(self, time_ms: int) -> None:
        assert timebase.seconds_to_ms(time_ms / 1000) == time_ms
        assert timebase.seconds_to_ms(-time_ms / 1000) == -time_ms

    @given(st.integers(0, 10**9))
    def test_the_clock_loses_nothing(self, time_ms: int) -> None:
        hours, minutes, rest = timebase.format_clock(time_ms).split(":")
        seconds, millis = rest.split(".")
        assert ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(millis) == time_ms

    def test_the_clock_of_a_long_stream(self) -> None:
        assert timebase.format_clock(360_000_001, ",") == "100:00:00,001"
        with pytest.raises(ValueError, match="before the start"):
            timebase.format_clock(-1)

    def test_a_slow_speed_has_a_decimal(self) -> None:
        told = [timebase.format_speed(rtfx) for rtfx in (0.37, 9.94, 12.3, 1234.5)]
        assert told == ["0.4", "9.9", "12", "1,234"]
