"""What a word of the command line stands for: stdin, stdout, a text file."""

from __future__ import annotations

from qasr_cli.tasks.text_input import STDIO, read_text

__all__ = ["STDIO", "read_text"]
