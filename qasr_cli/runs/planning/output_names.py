"""Names of output files.

In go a template such as `{stem}.{lang}{tag}.{ext}` and a source's stem, suffix and language; out come names,
in which the language may still be open: it is recognised last. Pure: touches no file.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from qasr_cli import languages
from qasr_cli.errors import UsageError
from qasr_cli.languages import LANGUAGES
from qasr_cli.options import DEFAULT_NAME, OutputOptions
from qasr_cli.runs.files.name_keys import name_key

UNDETERMINED = "und"  # ISO 639-2: no speech, or in a language that qasr does not know
_LANGUAGE_FIELDS = ("lang", "lang3")
_FIELDS = ("stem", *_LANGUAGE_FIELDS, "tag", "ext")
_WITH_TAG = "{stem}{tag}.{ext}"
_NEXT_STEP = "use for example --name '{stem}.{lang}{tag}.{ext}'"


@dataclass(frozen=True, slots=True)
class Target:
    """A file to be written.

    Attributes:
        folder: The folder it is written to.
        name_parts: Texts and fields of its name in turn, a text first; each field stands for the language.
    """

    folder: Path
    name_parts: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """Whether the name depends on the language."""
        return len(self.name_parts) > 1

    @property
    def shown(self) -> Path:
        """The path for people: `film.{lang}.srt` where the language is open."""
        return self.folder / "".join(
            f"{{{part}}}" if number % 2 else part for number, part in enumerate(self.name_parts)
        )

    def path(self, language: str | None = None) -> Path:
        """Return the path for a language; None is an undetermined language."""
        return self.folder / self._name(language)

    def _name(self, language: str | None) -> str:
        if not self.is_open:
            return self.name_parts[0]
        return "".join(
            _code(language, part) if number % 2 else part for number, part in enumerate(self.name_parts)
        )

    @property
    def key(self) -> Target:
        """The target with its name in Unicode's composed form, for comparing."""
        parts = self.name_parts
        return self if all(map(str.isascii, parts)) else Target(self.folder, tuple(map(name_key, parts)))

    def may_be(self, name: str) -> bool:
        """Whether the file may get this name, in any Unicode spelling."""
        if not name.isascii():
            return name_key(name) in map(name_key, self.names())
        first, last = self.name_parts[0], self.name_parts[-1]
        return name.startswith(first) and name.endswith(last) and name in self.names()

    def names(self) -> Iterator[str]:
        """Yield every name that the file may get."""
        yield self._name(None)
        if self.is_open:
            yield from (self._name(language.code) for language in LANGUAGES)


@dataclass(frozen=True, slots=True)
class NameTemplate:
    """A template for names: texts and fields in turn, a text first."""

    name_parts: tuple[str, ...]
    tag: str

    @property
    def has_language(self) -> bool:
        """Whether names hold the language."""
        return any(field in self.name_parts[1::2] for field in _LANGUAGE_FIELDS)

    def target(self, folder: Path, stem: str, suffix: str, language: str | None = None) -> Target:
        """Return the target of a source; `language` closes it, `suffix` begins with its dot."""
        values = {"stem": stem, "tag": self.tag, "ext": suffix.removeprefix(".")}
        parts = [""]
        for number, part in enumerate(self.name_parts):
            if number % 2 == 0:
                parts[-1] += part
            elif part in values:
                parts[-1] += values[part]
            elif language is not None:
                parts[-1] += _code(language, part)
            else:
                parts += [part, ""]
        return Target(folder, tuple(parts))


@dataclass(frozen=True, slots=True)
class OutputLayout:
    """Folder and names of a run's results: the options, parsed once and passed on.

    Attributes:
        options: With every format by its own name.
        template: Of the names.
        suffixes: File name suffix of each format.
    """

    options: OutputOptions
    template: NameTemplate
    suffixes: Mapping[str, str]

    @classmethod
    def of(cls, options: OutputOptions, suffixes: Mapping[str, str]) -> OutputLayout:
        """Parse the options.

        Raises:
            UsageError: The template makes an empty name, or one name for two formats.
        """
        return cls(options, parse_template(options), suffixes)


def parse_template(output: OutputOptions) -> NameTemplate:
    """Return the template that the options hold.

    Raises:
        UsageError: The template makes an empty name, or one name for two formats.
    """
    tag = output.tag if not output.tag or output.tag.startswith(".") else f".{output.tag}"
    text = output.name
    if text == DEFAULT_NAME and tag:
        text = _WITH_TAG
    template = NameTemplate(_name_parts(text), tag)
    fields = set(template.name_parts[1::2])
    fixed_text = "".join(template.name_parts[::2]) + ("" if "tag" not in fields else tag)
    complaints = (
        ("/" in tag or "\0" in tag, "--tag", "holds a slash", "use a word such as sdh"),
        ("/" in text or "\0" in text, "--name", "holds a slash", "set the folder with -o DIR"),
        (tag and "tag" not in fields, "--name", "has no place for --tag", "put {tag} where it belongs"),
        (
            "ext" not in fields and len(output.formats) > 1,
            *("--name", "gives two formats one name", "put {ext} where it belongs"),
        ),
        (fields <= {"tag"} and not fixed_text.strip("."), "--name", "is an empty name", _NEXT_STEP),
    )
    for is_so, flag, complaint, hint in complaints:
        if is_so:
            raise UsageError(
                f"{flag} {shlex.quote(text if flag == '--name' else tag)} {complaint}", hint, flag=flag
            )
    return template


def _name_parts(text: str) -> tuple[str, ...]:
    """Return a template's texts and fields in turn.

    Raises:
        UsageError: A brace is not closed, or the field is unknown.
    """
    try:
        parsed = list(Formatter().parse(text))
    except ValueError:
        raise UsageError(f"--name {text}: its braces do not match", _NEXT_STEP, flag="--name") from None
    name_parts = [""]
    for literal, field, spec, conversion in parsed:
        name_parts[-1] += literal
        if field is None:
            continue
        if field not in _FIELDS or spec or conversion:
            fields = " ".join(f"{{{name}}}" for name in _FIELDS)
            raise UsageError(f"--name {text}: unknown field {{{field}}}", f"known: {fields}", flag="--name")
        name_parts += [field, ""]
    return tuple(name_parts)


def _code(language: str | None, field: str) -> str:
    named = languages.find(language or "")
    if named is None:
        return UNDETERMINED
    return named.code3 if field == "lang3" else named.code
