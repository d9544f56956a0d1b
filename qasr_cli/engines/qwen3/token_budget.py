"""The maximum length of an answer, in tokens: what a chunk can hold and a loop exceeds.

In goes a number of samples; out comes a number of tokens. Imports no torch: clients of servers need it.
"""

from __future__ import annotations

from qasr_cli.timebase import SAMPLE_RATE_HZ

# A fast speaker needs about 5 tokens a second in English, but 18 in Hindi and Greek, since Qwen's vocabulary
# has few of their words: 5 to 6 tokens each. A chunk with more tokens than that is a loop.
_BUDGET_TOKENS = 24
_BUDGET_TOKENS_PER_S = 20


def token_budget(n_samples: int) -> int:
    """Return the maximum number of tokens in a chunk's answer."""
    return _BUDGET_TOKENS + _BUDGET_TOKENS_PER_S * n_samples // SAMPLE_RATE_HZ
