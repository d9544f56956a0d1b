"""The readers that are fuzzed, each with valid files to begin with.

Each target reads a file as a command would. A reader may refuse a file with any error of qasr but an internal
one; the error's line is fit for a terminal.
"""

from __future__ import annotations

from tests.fuzz.caption_targets import CAPTION_TARGETS
from tests.fuzz.media_targets import MEDIA_TARGETS
from tests.fuzz.model_targets import MODEL_TARGETS
from tests.fuzz.state_targets import STATE_TARGETS
from tests.fuzz.target import Target

TARGETS: tuple[Target, ...] = (*CAPTION_TARGETS, *STATE_TARGETS, *MODEL_TARGETS, *MEDIA_TARGETS)
