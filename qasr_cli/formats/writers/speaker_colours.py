"""Colours of speakers, told apart by people with and without colour blindness.

In goes a speaker's place in the order of first words; out come colours as `RRGGBB`: a bright one for dark
pictures and pages, a dark one for white pages. A colour never stands alone: names or dashes say the same.

The first colours are white (as in the BBC's order) and a blue; the others are those that keep the smallest
distance of any two as large as can be (CIE L*a*b*, at least 27), in normal sight and in simulated protanopia,
deuteranopia and tritanopia (Machado et al. 2009), with a contrast of at least 7.5 to black and 4.6 to white
(WCAG 2 asks for 4.5).
"""

from __future__ import annotations

from typing import NamedTuple


class SpeakerColour(NamedTuple):
    """The colours of one speaker."""

    bright: str
    dark: str


PALETTE = (
    SpeakerColour("FFFFFF", "1F5FBF"),
    SpeakerColour("F0D800", "D83000"),
    SpeakerColour("F09048", "303048"),
    SpeakerColour("D878F0", "7800F0"),
    SpeakerColour("A8F0A8", "A86060"),
    SpeakerColour("A8A8C0", "780000"),
)


def colour(place: int) -> SpeakerColour:
    """Return the colours of the speaker at a place; more speakers than colours share them."""
    return PALETTE[place % len(PALETTE)]
