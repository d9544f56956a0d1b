"""What a recognizer is asked for, and what its answers mean: the same for all implementations.

In go decoding options, and the token ids of answers; out come languages to ask for, and hypotheses. Computes
nothing, so that our own engine and vLLM agree on all that is not arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qasr_cli import languages
from qasr_cli.engines.qwen3.languages import RECOGNIZED
from qasr_cli.engines.qwen3.prompts import Prompts
from qasr_cli.engines.qwen3.token_ends import TokenEnds
from qasr_cli.errors import UsageError
from qasr_cli.options import DecodeOptions
from qasr_cli.records import Finish, Hypothesis

_N_DIGITS = 4  # of a posterior; more would differ between number formats only


def forced_language(options: DecodeOptions) -> str | None:
    """Return the English name of the language that answers are forced into."""
    language = languages.find(options.language) if options.language else None
    return language.name if language else None


def allowed_languages(options: DecodeOptions) -> list[str]:
    """Return the English names of the languages that an answer may be in; empty if it may be in any."""
    if options.language:
        return []
    return [language.name for code in options.languages if (language := languages.find(code))]


def refuse_long(n_tokens: int, reach: int, model_id: str) -> None:
    """Raise if prompt and answer together exceed the context length.

    Args:
        n_tokens: Of the longest prompt with its audio, and of its token budget.
        reach: Context length in tokens.
        model_id: Names the model in the message.

    Raises:
        UsageError: They do.
    """
    if n_tokens > reach:
        raise UsageError(
            f"--context is too long: with it a chunk takes {n_tokens} tokens and {model_id} has {reach}",
            "leave some of --context or --hotwords out",
            flag="--context",
        )


class Answers:
    """Parses the answers of one model.

    Args:
        tokenizer: The model's.
        prompts: Prompts with the same tokenizer.
    """

    def __init__(self, tokenizer: Any, prompts: Prompts) -> None:
        self._tokenizer = tokenizer
        self._prompts = prompts
        self._ends = TokenEnds(tokenizer)

    def parse(self, ids: Sequence[int], forced: str | None, posteriors: Sequence[float] = ()) -> Hypothesis:
        """Split `language X<asr_text>text`; a forced language stands in the prompt and not in the answer.

        Args:
            ids: Tokens of the answer; without a stop token among them it is truncated.
            forced: Of `forced_language`.
            posteriors: Of each token; empty if they are unknown.
        """
        written = self.before_stop(ids)
        finish = Finish.TRUNCATED if len(written) == len(ids) else Finish.COMPLETE
        ids = written
        language = forced
        if self._prompts.text_marker in ids:
            at = ids.index(self._prompts.text_marker)
            tag = self._decode(ids[:at]).removeprefix("language").strip()
            tag_language = languages.find(tag)
            language = forced or (tag if tag_language and tag_language.code in RECOGNIZED else None)
            ids, posteriors = ids[at + 1 :], posteriors[at + 1 :]
        text = self._decode(ids)
        ends = self._ends.of(ids, text) if posteriors else ()
        return Hypothesis(
            *(text.strip(), language, finish, len(ids), ends),
            tuple(round(one, _N_DIGITS) for one in posteriors[: len(ids)]) if ends else (),
        )

    def before_stop(self, ids: Sequence[int]) -> list[int]:
        """Return the tokens before the first stop token, or all."""
        stop = next((i for i, token in enumerate(ids) if token in self._prompts.stop_ids), None)
        return list(ids[:stop])

    def _decode(self, ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True)
        return text
