"""The languages of Qwen3-ASR and of Qwen3-ForcedAligner, by qasr's codes.

Nothing goes in; out come two sets of codes. Imports no torch, so that an unsupported language is refused
before anything heavy is loaded.
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
