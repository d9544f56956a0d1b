"""Isotonic regression, maps of confidences, what is fitted, and detectors against references."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from qasr_cli.evaluation.calibration import isotonic
from qasr_cli.evaluation.calibration.detectors import ANY, DetectorTally
from qasr_cli.evaluation.calibration.evidence import ConfidenceEvidence
from qasr_cli.evaluation.figures import Edit
from qasr_cli.evaluation.scoring import edits
from qasr_cli.evaluation.utterances import Answer
from qasr_cli.records import Hypothesis, Segment, Word
from qasr_cli.speech.inference.confidence_map import UNFITTED, ConfidenceMap, Evidence
from qasr_cli.speech.recognition import confidence

# scikit-learn 1.9.1 gives the same: IsotonicRegression().fit(RAW, RIGHT).predict(RAW)
RAW = [0.1, 0.3, 0.2, 0.2, 0.5, 0.9, 0.7, 0.6, 0.4, 0.8]
RIGHT = [0, 1, 1, 0, 0, 1, 1, 0, 1, 1]


def regression(raw: Sequence[float] | np.ndarray, rights: Sequence[int] | np.ndarray) -> np.ndarray:
    """Return `float64[n]`, in the order given: the rising values that are nearest in least squares."""
    _, inverse, counts = np.unique(np.asarray(raw), return_inverse=True, return_counts=True)
    n_right = np.bincount(inverse, weights=np.asarray(rights, dtype=np.float64))
    means, sizes = isotonic.pooled(n_right / counts, counts.astype(np.float64))
    fitted: np.ndarray = np.repeat(means, sizes)[inverse]
    return fitted


class TestRegression:
    def test_it_is_that_of_the_textbook(self) -> None:
        """By hand: 0.2 pools to 1/2; 0.3, 0.4, 0.5, 0.6 to 2/4, which is no less; the rest is right."""
        expected = [0.0, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 0.5, 0.5, 1.0]
        assert regression(RAW, RIGHT).tolist() == pytest.approx(expected)

    def test_a_falling_order_pools_to_one_value(self) -> None:
        assert regression([0.1, 0.2, 0.3], [1, 0, 0]).tolist() == pytest.approx([1 / 3] * 3)

    def test_it_is_the_best_rising_one(self) -> None:
        """No other rising step function of a grid is nearer in squares."""
        generator = np.random.default_rng(1)
        raw = np.arange(5) / 5
        for _ in range(6):
            right = generator.integers(0, 2, 5)
            found = regression(raw, right)
            assert (np.diff(found) >= -1e-12).all()
            grid = np.linspace(0, 1, 5)
            best = min(
                ((np.array(values) - right) ** 2).sum()
                for values in np.array(np.meshgrid(*[grid] * 5)).reshape(5, -1).T
                if (np.diff(values) >= 0).all()
            )
            assert ((found - right) ** 2).sum() <= best + 1e-9


class TestKnots:
    def test_few_of_them_rise_and_are_never_certain(self) -> None:
        generator = np.random.default_rng(2)
        raw = generator.random(4_000)
        right = generator.random(4_000) < raw**2
        found = isotonic.knots(raw, right)
        assert 5 <= len(found) <= 20
        ConfidenceMap(both=found)  # which refuses falling ones
        assert all(0 < y < 1 for _, y in found)
        assert ConfidenceMap(both=found).apply(0.7, Evidence.BOTH) == pytest.approx(0.49, abs=0.06)

    def test_equal_confidences_are_one_knot(self) -> None:
        ((place, rate),) = isotonic.knots([0.5] * 100, [True] * 80 + [False] * 20)
        assert place == 0.5
        assert rate == pytest.approx(0.8, abs=0.02)


class TestMap:
    def test_curves_are_linear_between_knots(self) -> None:
        found = ConfidenceMap(both=((0.2, 0.1), (0.6, 0.9)))
        assert [found.apply(raw, Evidence.BOTH) for raw in (0.0, 0.2, 0.4, 1.0)] == [0.1, 0.1, 0.5, 0.9]
        assert found.apply(0.4, Evidence.TOKENS) == UNFITTED.apply(0.4, Evidence.BOTH) == 0.4

    @pytest.mark.parametrize(
        "knots", [((0.5, 0.5), (0.5, 0.6)), ((0.1, 0.9), (0.2, 0.8)), ((0.1, 1.5),), ((float("nan"), 0.5),)]
    )
    def test_what_is_no_curve(self, knots: tuple[tuple[float, float], ...]) -> None:
        with pytest.raises(ValueError, match="must rise"):
            ConfidenceMap(tokens=knots)


class TestWords:
    HYPOTHESIS = Hypothesis(
        " Good day.", "English", token_ends=(0, 2, 4, 7, 9), token_posteriors=(1.0, 0.9, 0.5, 0.8, 0.7)
    )

    def test_a_word_has_the_posterior_of_its_least_likely_token(self) -> None:
        words = (Word("", "Good", 0, 1, time_posterior=0.25), Word(" ", "day.", 1, 2))
        hypothesis = Hypothesis(
            "Good day.", "English", token_ends=(2, 4, 7, 9), token_posteriors=(0.9, 0.5, 0.8, 0.7)
        )
        found = confidence.of_words(words, hypothesis, UNFITTED)
        assert [word.token_posterior for word in found] == [0.5, 0.7]
        assert [word.confidence for word in found] == [0.25, 0.7]  # 0.5 * sqrt(0.25); no times

    def test_a_token_that_ends_inside_a_character_counts_for_it(self) -> None:
        words = (Word("", "字", 0, 1), Word("", "典", 1, 2))
        hypothesis = Hypothesis("字典", "Chinese", token_ends=(0, 1, 2), token_posteriors=(0.3, 0.9, 0.8))
        assert confidence.token_posteriors(words, hypothesis) == [0.3, 0.8]

    def test_a_token_over_two_words_counts_for_both(self) -> None:
        words = (Word("", "字", 0, 1), Word("", "典", 1, 2))
        hypothesis = Hypothesis("字典", "Chinese", token_ends=(2,), token_posteriors=(0.4,))
        assert confidence.token_posteriors(words, hypothesis) == [0.4, 0.4]

    def test_other_words_have_none(self) -> None:
        assert confidence.token_posteriors([Word("", "Bad", 0, 1)], self.HYPOTHESIS) == [None]
        assert (
            confidence.of_words([Word("", "a", 0, 1)], Hypothesis("a", None), UNFITTED)[0].confidence is None
        )


def word(token: float | None, time: float | None) -> Word:
    return Word("", "a", 0, 1, token_posterior=token, time_posterior=time)


class TestEvidence:
    def test_an_overconfident_model_is_calibrated(self) -> None:
        generator = np.random.default_rng(3)
        evidence = ConfidenceEvidence()
        for _ in range(300):
            tokens = generator.random(10)
            rights = generator.random(10) < 0.5 * tokens
            evidence.add([word(float(token), 1.0) for token in tokens], [bool(one) for one in rights])
        fitted = evidence.fit()
        assert fitted is not None
        assert fitted.n_words == 3_000
        assert fitted.before.ece == pytest.approx(0.25, abs=0.03)
        assert fitted.after.ece < 0.04
        assert fitted.map.apply(0.8, Evidence.BOTH) == pytest.approx(0.4, abs=0.08)
        assert fitted.map.tokens == ()

    @pytest.mark.parametrize(("n", "n_wrong"), [(199, 50), (1_000, 19), (1_000, 990)])
    def test_too_few_words(self, n: int, n_wrong: int) -> None:
        evidence = ConfidenceEvidence()
        evidence.add([word(0.5, None)] * n, [False] * n_wrong + [True] * (n - n_wrong))
        evidence.add([word(None, None)] * 400, [True, False] * 200)
        evidence.add([word(0.5, None)] * 400, [])  # whether they are right is not known
        assert evidence.fit() is None


def steps(reference: str, hypothesis: str) -> list[Edit]:
    return list(edits.align(reference.split(), hypothesis.split()))


def segment(text: str, *flags: str, **values: float) -> Segment:
    return Segment(0, 1, "en", text, (Word("", text, 0, 1),), flags, values)


class TestDetectors:
    def test_chunks_are_good_or_bad_by_their_own_words(self) -> None:
        answer = Answer(
            "a b c x y z", segments=(segment("a b c", rate=1.0), segment("x y z", "loop", rate=9.0))
        )
        tally = DetectorTally()
        tally.add(answer, answer.text, steps("a b c d e f", answer.text))
        tally.add(Answer("a b", segments=(segment("a b", "rate"),)), "a b", steps("a b", "a b"))
        tally.add(Answer("", flags=("empty",)), "", steps("a b", ""))
        tally.add(Answer(""), "", [])  # nothing said, nothing written
        found = {one.name: (one.n_chunks, one.n_fired, one.n_bad, one.n_hits) for one in tally.figures()}
        assert found["loop"] == (4, 1, 2, 1)
        assert found["rate"] == (4, 1, 2, 0)
        assert found["empty"] == (4, 1, 2, 1)
        assert found[ANY] == (4, 3, 2, 2)
        (values,) = tally.values()
        assert (values.good[0.5], values.bad[0.5]) == (1.0, 9.0)

    def test_half_of_the_words_wrong_is_not_bad_yet(self) -> None:
        tally = DetectorTally()
        tally.add(Answer("a b", segments=(segment("a b"),)), "a b", steps("a c", "a b"))
        assert tally.n_bad == 0

    def test_letters_of_other_chunks_are_not_judged(self) -> None:
        tally = DetectorTally()
        tally.add(Answer("a", segments=(segment("a"), segment("b"))), "other", [])
        assert tally.figures() == ()
