"""No deadline for one example: a machine that is busy with other work is no reason to fail."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("qasr", deadline=None)
settings.load_profile("qasr")
