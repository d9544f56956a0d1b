"""What is said: three small languages, each a grammar and a thousand words, and the texts of the samples."""

from tools.demo_model.texts import english, korean, spanish
from tools.demo_model.texts.language import Language, Mix

LANGUAGES: dict[str, Language] = {
    module.LANGUAGE.code: module.LANGUAGE for module in (english, korean, spanish)
}

__all__ = ["LANGUAGES", "Language", "Mix"]
