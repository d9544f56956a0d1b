"""Tests of live captions in a real browser: `make live-page`."""
