"""The languages of Qwen3-ASR and of Qwen3-ForcedAligner, by qasr's codes.

Nothing goes in. Loads no torch, so that a language that the models lack is refused before anything heavy.
"""

from __future__ import annotations

# processing_qwen3_asr.py of transformers: LANGUAGE_CODE_TO_NAME and FORCED_ALIGNER_LANGUAGES.
RECOGNIZED = frozenset(
    {
        *("ar", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fil", "fr", "hi", "hu", "id", "it", "ja"),
        *("ko", "mk", "ms", "nl", "pl", "pt", "ro", "ru", "sv", "th", "tr", "vi", "yue", "zh"),
    }
)
ALIGNED = frozenset({"de", "en", "es", "fr", "it", "ja", "ko", "pt", "ru", "yue", "zh"})
