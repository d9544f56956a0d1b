"""Where each token of an answer ends in its text.

In go token ids and the text that they are decoded to; out come counts of characters. A token of a byte-level
vocabulary (GPT-2) may end inside a character, which then counts for the token with its last byte.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Any


class TokenEnds:
    """Finds the ends of tokens for one tokenizer; its vocabulary is byte-level BPE.

    Args:
        tokenizer: The model's, of transformers.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._skipped = frozenset(tokenizer.all_special_ids)

    def of(self, ids: Sequence[int], text: str) -> tuple[int, ...]:
        """Return the number of characters of `text.strip()` up to the end of each token; they never fall.

        Args:
            ids: Tokens of the text.
            text: What the tokenizer decodes them to, without special tokens.

        Returns:
            One number a token; empty if the tokens do not give the text, with another kind of vocabulary.
        """
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        parts: list[str] = []
        ends: list[int] = []
        n_chars = 0
        last = len(ids) - 1
        tokens: list[str] = self._tokenizer.convert_ids_to_tokens(list(ids))
        for index, (number, token) in enumerate(zip(ids, tokens, strict=True)):
            content = b"" if number in self._skipped else _content(token)
            part = decoder.decode(content, final=index == last)
            parts.append(part)
            n_chars += len(part)
            ends.append(n_chars)
        if "".join(parts) != text:
            return ()
        n_before, n_left = len(text) - len(text.lstrip()), len(text.strip())
        return tuple(min(max(end - n_before, 0), n_left) for end in ends)


def _content(token: str) -> bytes:
    """Return the bytes of a token: a character each, or its own text if it was added to the vocabulary."""
    try:
        return bytes(_BYTES[char] for char in token)
    except KeyError:
        return token.encode()


def _byte_of_each_character() -> dict[str, int]:
    """Return the table of byte-level BPE: bytes that are printable in Latin-1 are themselves.

    The others are the characters from U+0100 on, in order (GPT-2's `bytes_to_unicode`).
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    table = {chr(byte): byte for byte in printable}
    others = [byte for byte in range(256) if byte not in printable]
    return table | {chr(0x100 + number): byte for number, byte in enumerate(others)}


_BYTES = _byte_of_each_character()
