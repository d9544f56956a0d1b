"""What a decoding loop writes: tokens and the probability that the model gave each.

A posterior is the softmax of the model's own scores, before any logits processor: a repetition penalty does
not change what it means. It is read off the scores and changes no token.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from qasr_cli.engines.qwen3.decoding.kv_cache import Prefix


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one prompt.

    Attributes:
        tokens: Up to its stop token, which is included, or its budget.
        prefix: Keys and values of the prompt's first `n_kept` tokens; None for no tokens.
        posteriors: The model's probability of each token, given those before.
    """

    tokens: list[int]
    prefix: Prefix | None = None
    posteriors: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Written:
    """Tokens and their posteriors, as many of each."""

    tokens: list[int]
    posteriors: list[float]

    def extend(self, more: Written) -> None:
        """Append others."""
        self.tokens += more.tokens
        self.posteriors += more.posteriors

    def first(self, n: int) -> Written:
        """Return the first `n`."""
        return Written(self.tokens[:n], self.posteriors[:n])
