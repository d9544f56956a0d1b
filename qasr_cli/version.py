"""The version, in one place: the package, its metadata and what qasr writes take it from here."""

from __future__ import annotations

__version__ = "0.1.0"
