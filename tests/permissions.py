"""Permissions that count for everybody: tests run as root, who is refused nothing."""

from __future__ import annotations

import ctypes
import os
import sys


def obey_permissions() -> None:
    """Have root be refused like anybody else: give up the two capabilities that look past permissions."""
    if sys.platform == "linux" and os.geteuid() == 0:
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
