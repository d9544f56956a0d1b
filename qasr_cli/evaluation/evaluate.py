"""From pairs to figures: the scoring of an evaluation.

In go pairs of utterances and answers, as they are streamed; out comes an `Evaluation`. Rates are of sums and
never means of rates. A missing or failed answer counts as all deletions. Reads no file and runs no model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from qasr_cli.evaluation import expert_warnings, groups
from qasr_cli.evaluation.calibration import reliability
from qasr_cli.evaluation.calibration.evidence import ConfidenceEvidence
from qasr_cli.evaluation.figures import (
    Comparison,
    Counts,
    Evaluation,
    Rate,
    SetFigures,
    SpeedFigures,
    Unit,
    Worst,
)
from qasr_cli.evaluation.normalization.normalizers import Normalizer
from qasr_cli.evaluation.scoring import (
    bootstrap,
    compounds,
    edits,
    language_id,
    subtitle_figures,
    units,
    word_times,
)
from qasr_cli.evaluation.scoring.right_words import right_words
from qasr_cli.evaluation.tally import Scored, Tally
from qasr_cli.evaluation.utterances import Pair, Utterance
from qasr_cli.subtitles.rules.presets import code_by_script

_LATIN = "en"  # the answer for every script that does not tell its language
_MAX_LOOKED_AT = 2_000  # characters of a text that tell its script
_N_COMMON = 20


def language_of(utterance: Utterance) -> str | None:
    """Return the language by whose rules an utterance is scored: the reference's, or that of its script.

    Never the one that a system detected: all systems are scored alike.
    """
    known = language_id.code(utterance.language)
    if known:
        return known
    by_script = code_by_script([utterance.text[:_MAX_LOOKED_AT]])
    return None if by_script == _LATIN else by_script


def score(pair: Pair, normalizer: Normalizer) -> Scored:
    """Return the errors of a pair, in every unit of its language."""
    utterance, answer = pair.utterance, pair.answer
    language = language_of(utterance)
    reference = normalizer.normalize(utterance.text, language)
    hypothesis = normalizer.normalize(answer.text, language) if answer and not answer.error else ""
    counts: dict[Unit, Counts] = {}
    rates = units.of_language(language)
    for unit in rates:
        sides = units.split(reference, unit), units.split(hypothesis, unit)
        is_merged = normalizer.merges_compounds and unit is Unit.WORD
        counts[unit] = compounds.count(*sides) if is_merged else edits.count(*sides)
    main = rates[0]
    steps = edits.align(units.split(reference, main), units.split(hypothesis, main))
    return Scored(normalizer.name, counts, reference, hypothesis, steps)


@dataclass(slots=True)
class Evaluator:
    """Scores pairs of any sets and systems.

    Args:
        normalizers: The first one's figures are the main ones.
        seed: Seed of the intervals.
        has_detectors: Judge the detectors of hallucinations, too.

    Attributes:
        evidence: What a map of confidences can be fitted to, by system; only words of qasr's transcripts.
    """

    normalizers: Sequence[Normalizer]
    seed: int = 1
    has_detectors: bool = False
    evidence: dict[str, ConfidenceEvidence] = field(default_factory=dict)
    _tallies: dict[tuple[str, str, str], Tally] = field(default_factory=dict)

    def add(self, pair: Pair) -> list[Scored]:
        """Score a pair and return its errors under each normalizer."""
        scored = [score(pair, normalizer) for normalizer in self.normalizers]
        language = language_of(pair.utterance) or ""
        key = (pair.utterance.set_name, language, pair.system)
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = Tally(*key)
        tally.add(pair, scored)
        tally.add_times(pair)
        _add_captions(tally, pair)
        tally.speakers.add(pair, self.normalizers[0], language_of(pair.utterance))
        self._add_confidences(tally, pair, scored[0])
        expert_warnings.note(tally, pair)
        return scored

    def _add_confidences(self, tally: Tally, pair: Pair, scored: Scored) -> None:
        answer = pair.answer
        if answer is None or answer.error:
            return
        if self.has_detectors:
            tally.chunks.add(answer, scored.hypothesis, scored.edits)
        if not any(word.confidence is not None for word in answer.words):
            return
        rights = right_words(answer.words, scored.hypothesis, scored.edits)
        for word, is_right in zip(answer.words, rights, strict=False):
            if word.confidence is not None:
                tally.confidences.append(word.confidence)
                tally.rights.append(is_right)
        words = [word for segment in answer.segments for word in segment.words]
        self.evidence.setdefault(pair.system, ConfidenceEvidence()).add(words, rights)

    def finish(
        self, facts: Mapping[str, str], speeds: Mapping[str, SpeedFigures] | None = None
    ) -> Evaluation:
        """Return all figures.

        Args:
            facts: What a reader needs to repeat the evaluation.
            speeds: Speed of each system that was run, by its name.
        """
        tallies = self._named_tallies()
        sets = tuple(self._figures(tally, (speeds or {}).get(tally.system)) for tally in tallies)
        return Evaluation(
            facts=facts,
            sets=sets,
            comparisons=tuple(self._comparisons()),
            normalizers={one.name: f"{one.version}: {one.described}" for one in self.normalizers},
        )

    def _named_tallies(self) -> list[Tally]:
        """Return the tallies set by set; a set of several languages has its languages in its name."""
        languages: dict[str, list[str]] = {}
        for set_name, language, _ in self._tallies:
            languages.setdefault(set_name, [])
            if language not in languages[set_name]:
                languages[set_name].append(language)
        for (set_name, language, _), tally in self._tallies.items():
            if len(languages[set_name]) > 1:
                tally.set_name = f"{set_name} ({language or 'unknown language'})"
        order = [(name, language) for name, own in languages.items() for language in own]
        return sorted(self._tallies.values(), key=lambda tally: order.index(tally.place))

    def _figures(self, tally: Tally, speed: SpeedFigures | None) -> SetFigures:
        blocks, name = tally.blocks.chosen
        rates = []
        for key in tally.columns:
            column = tally.columns[key]
            interval = bootstrap.rate(column.errors, column.units, blocks, self.seed, name)
            rates.append(Rate(key[1], key[0], column.total, interval))
        return SetFigures(
            set_name=tally.set_name,
            system=tally.system,
            language=tally.language or None,
            n_utterances=tally.n,
            audio_ms=tally.audio_ms,
            rates=tuple(rates),
            n_missing=tally.n_missing,
            missing_ids=tuple(tally.missing_ids),
            n_empty=tally.n_empty,
            n_empty_references=tally.n_empty_references,
            substitutions=tuple((*pair, n) for pair, n in tally.substitutions.most_common(_N_COMMON)),
            deletions=tuple(tally.deletions.most_common(_N_COMMON)),
            insertions=tuple(tally.insertions.most_common(_N_COMMON)),
            lid=language_id.figures(tally.confusions),
            times=word_times.figures(tally.slots, tally.n_timed_words),
            subtitles=subtitle_figures.figures(tally.compared),
            speakers=tuple(tally.speakers.figures),
            speed=speed,
            calibration=reliability.figures(tally.confidences, tally.rights),
            detectors=tally.chunks.figures(),
            detector_values=tally.chunks.values(),
            groups=tuple(groups.figures(tally.groups, tally.main.rows, blocks, name, self.seed)),
            worst=tuple(
                Worst(pair, scored.main, tuple(scored.edits))
                for _, _, pair, scored in sorted(tally.worst, key=lambda one: one[:2], reverse=True)
            ),
            warnings=tuple(expert_warnings.of_tally(tally)),
        )

    def _comparisons(self) -> Iterable[Comparison]:
        """Yield each two systems of a set, in the main rate, on the utterances that both have."""
        by_set: dict[str, list[Tally]] = {}
        for tally in self._tallies.values():
            by_set.setdefault(tally.set_name, []).append(tally)
        for set_name, tallies in by_set.items():
            for a, b in combinations(tallies, 2):
                if a.columns and b.columns and next(iter(a.columns)) == next(iter(b.columns)):
                    yield self._comparison(set_name, a, b)

    def _comparison(self, set_name: str, a: Tally, b: Tally) -> Comparison:
        key = next(iter(a.columns))
        left, right = _common(a, b)
        first, second = a.main, b.main
        blocks, name = a.blocks.chosen
        errors = (first.errors[left], second.errors[right])
        interval, p_better = bootstrap.difference(errors, first.units[left], blocks[left], self.seed, name)
        return Comparison(
            set_name=set_name,
            a=a.system,
            b=b.system,
            unit=key[1],
            normalizer=key[0],
            difference=interval,
            p_better=p_better,
            n_won=int(np.count_nonzero(errors[0] < errors[1])),
            n_lost=int(np.count_nonzero(errors[0] > errors[1])),
            n_tied=int(np.count_nonzero(errors[0] == errors[1])),
        )


def _common(a: Tally, b: Tally) -> tuple[np.ndarray, np.ndarray]:
    """Return `int64[n]` for each: where the utterances are that both have."""
    first, second = np.array(a.ids, dtype=np.int64), np.array(b.ids, dtype=np.int64)
    if np.array_equal(first, second):
        return np.arange(a.n), np.arange(b.n)
    _, left, right = np.intersect1d(first, second, return_indices=True)
    return left, right


def _add_captions(tally: Tally, pair: Pair) -> None:
    answer, utterance = pair.answer, pair.utterance
    if utterance.captions and answer is not None and answer.captions:
        tally.compared.append(
            subtitle_figures.compare(
                answer.captions, utterance.captions, utterance.language or answer.language
            )
        )
