"""Suites: tables of published figures, and which corpora on disk they belong to."""
