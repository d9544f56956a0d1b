"""The pair's tokenizer, chat templates and processors, in transformers' own classes.

In: texts of the grammar. Out: ``Qwen3ASRProcessor`` objects whose files load with ``AutoProcessor``.
The tokenizer is a small byte-level BPE trained here; token names and prompt shapes are those of Qwen3-ASR.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from functools import cached_property

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import Qwen2Tokenizer, Qwen3ASRFeatureExtractor, Qwen3ASRProcessor

from tools.demo_model.texts import LANGUAGES

N_BPE = 3064  # 256 bytes and 2808 merges; with the eight tokens below, 3072
CLASS_MS = 80  # one class of the aligner, as in the real one
N_CLASSES = 400  # 32 s, the longest clip and a little
PROMPT_WORDS = "system user assistant language English Korean Spanish None"

# A system turn (the context), a user turn with one sound, an assistant turn that may be begun for the model.
ASR_TEMPLATE = """\
{%- set ns = namespace(context='') -%}
{%- for message in messages if message.role == 'system' -%}
{%- if message.content is string -%}{%- set ns.context = message.content -%}
{%- else -%}{%- set ns.context = message.content | map(attribute='text') | join -%}{%- endif -%}
{%- endfor -%}
{{- '<|im_start|>system\\n' + ns.context + '<|im_end|>\\n' -}}
{%- for message in messages if message.role != 'system' -%}
{{- '<|im_start|>' + message.role + '\\n' -}}
{%- if message.content is string -%}{{- message.content -}}
{%- else -%}{%- for part in message.content -%}
{%- if part.type == 'text' -%}{{- part.text -}}
{%- else -%}{{- '<|audio_start|><|audio_pad|><|audio_end|>' -}}{%- endif -%}
{%- endfor -%}{%- endif -%}
{%- if message.role != 'assistant' or not loop.last -%}{{- '<|im_end|>\\n' -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"""

# The bare sound, then each word with a slot for its start and one for its end; nothing before, as trained.
ALIGNER_TEMPLATE = """\
{%- for message in messages -%}{%- for part in message.content -%}
{%- if part.type == 'text' -%}{{- part.text + '<timestamp><timestamp>' -}}
{%- else -%}{{- '<|audio_start|><|audio_pad|><|audio_end|>' -}}{%- endif -%}
{%- endfor -%}{%- endfor -%}"""


def _qwen_tokenizer(vocab: dict[str, int], merges: list[tuple[str, str]]) -> Qwen2Tokenizer:
    tokenizer = Qwen2Tokenizer(
        vocab=vocab,
        merges=merges,
        unk_token=None,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        audio_token="<|audio_pad|>",
        audio_bos_token="<|audio_start|>",
        audio_eos_token="<|audio_end|>",
    )
    tokenizer.add_tokens(["<|im_start|>"], special_tokens=True)
    # Not special: decode(skip_special_tokens=True) must keep <asr_text> to tell language and text apart.
    tokenizer.add_tokens(["<asr_text>", "<timestamp>"], special_tokens=False)
    return tokenizer


def train_tokenizer(seed: int = 7, n_sentences: int = 4000) -> Qwen2Tokenizer:
    """Train the BPE on training sentences, bare words (the aligner's) and the prompt's words."""
    rng = random.Random(seed)
    texts = [PROMPT_WORDS] * 200
    for language in LANGUAGES.values():
        texts += [language.sentence(rng, "train") for _ in range(n_sentences)]
        words = [*language.vocabulary, *(name for twins in language.twins for name in twins)]
        texts += [lead + word for word in words for lead in ("", " ") for _ in range(4)]
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = _qwen_tokenizer({"a": 0}, []).backend_tokenizer.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=N_BPE, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    bpe.train_from_iterator(texts, trainer)
    learnt = json.loads(bpe.to_str())["model"]
    return _qwen_tokenizer(learnt["vocab"], [tuple(merge) for merge in learnt["merges"]])


def asr_processor(tokenizer: Qwen2Tokenizer) -> Qwen3ASRProcessor:
    """The recogniser's processor."""
    return Qwen3ASRProcessor(
        feature_extractor=Qwen3ASRFeatureExtractor(), tokenizer=tokenizer, chat_template=ASR_TEMPLATE
    )


def aligner_processor(tokenizer: Qwen2Tokenizer) -> Qwen3ASRProcessor:
    """The aligner's processor, with its own time per class."""
    return Qwen3ASRProcessor(
        feature_extractor=Qwen3ASRFeatureExtractor(),
        tokenizer=tokenizer,
        chat_template=ALIGNER_TEMPLATE,
        timestamp_segment_time=CLASS_MS,
    )


@dataclass(frozen=True)
class PromptIds:
    """Token ids of the prompts' fixed parts."""

    tokenizer: Qwen2Tokenizer

    def of(self, text: str) -> list[int]:
        """Ids of a text in which special tokens may be spelt out."""
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def token(self, name: str) -> int:
        """Id of one named token."""
        return self.tokenizer.convert_tokens_to_ids(name)

    @cached_property
    def audio(self) -> int:
        """Id of ``<|audio_pad|>``, which stands for one encoder output."""
        return self.token("<|audio_pad|>")

    @cached_property
    def pad(self) -> int:
        """Id that fills up short rows of a batch."""
        return self.token("<|endoftext|>")

    @cached_property
    def end(self) -> int:
        """Id of ``<|im_end|>``, which closes the text."""
        return self.token("<|im_end|>")

    @cached_property
    def timestamp(self) -> int:
        """Id of ``<timestamp>``, a slot for a time."""
        return self.token("<timestamp>")
