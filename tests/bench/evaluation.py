"""Measure how fast pairs become figures, and in how much memory: `python -m tests.bench.evaluation [N]`.

Made-up utterances of 4 to 30 words with 10 % errors, of 200 speakers, with word times; no sound, no model.
Prints a row for each choice of normalizers, and what a million utterances would take.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from collections.abc import Iterator

from qasr_cli.evaluation.evaluate import Evaluator
from qasr_cli.evaluation.normalization import normalizers
from qasr_cli.evaluation.utterances import Answer, Pair, TimedWord, Utterance

N = 20_000
CHOICES = (("none",), ("qasr",), ("qasr", "qasr+numbers"), ("whisper-en",), ("leaderboard",))
WORDS = (
    "The",
    "quick",
    "brown",
    "fox,",
    "jumps",
    "over",
    "twenty-one",
    "lazy",
    "dogs.",
    "1,000",
    "it's",
    "Chicago",
)


def pairs(n: int) -> Iterator[Pair]:
    """Yield pairs with about 17 words each."""
    draw = random.Random(0)
    for number in range(n):
        words = [draw.choice(WORDS) for _ in range(draw.randint(4, 30))]
        told = [word if draw.random() < 0.9 else draw.choice(WORDS) for word in words]
        spans = [(place * 300, place * 300 + 250) for place in range(len(words))]
        utterance = Utterance(
            f"utterance-{number}",
            "set",
            None,
            " ".join(words),
            "en",
            speaker=f"speaker-{number % 200}",
            duration_ms=300 * len(words),
            words=tuple(TimedWord(word, *span) for word, span in zip(words, spans, strict=True)),
        )
        timed = tuple(
            TimedWord(word, start + 10, end) for word, (start, end) in zip(told, spans, strict=True)
        )
        yield Pair("system", utterance, Answer(" ".join(told), "en", timed))


def main() -> int:
    """Print a row for each choice of normalizers."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else N
    made = list(pairs(n))
    n_words = sum(len(pair.utterance.words) for pair in made)
    sys.stdout.write(
        "| normalizers | words/s | figures, s | 1,000,000 utterances, min | memory, bytes each |\n"
    )
    sys.stdout.write("|---|---|---|---|---|\n")
    for names in CHOICES:
        evaluator = Evaluator([normalizers.get(name) for name in names])
        before_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        start = time.process_time()
        for pair in made:
            evaluator.add(pair)
        added_s = time.process_time() - start
        grown_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before_bytes
        start = time.process_time()
        evaluator.finish({})
        finished_s = time.process_time() - start
        minutes = (added_s * 1_000_000 / n + finished_s) / 60
        cells = (
            f"{n_words / added_s:,.0f}",
            f"{finished_s:.2f}",
            f"{minutes:.1f}",
            f"{grown_bytes / n:,.0f}",
        )
        sys.stdout.write(f"| {', '.join(names)} | {' | '.join(cells)} |\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
