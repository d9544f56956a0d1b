"""Clusters of voices on made-up vectors: how many there are, and which window is whose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from qasr_cli.speech.diarization import clustering


def voices(sizes: Sequence[int], spread: float = 0.8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return windows of speakers at right angles, in a mixed order, and whose each is.

    With a spread of 0.8 two windows of one speaker have a cosine of about 0.6, as CAM++ gives (measured .62).
    """
    generator = np.random.default_rng(seed)
    middle = np.linalg.qr(generator.normal(size=(192, len(sizes))))[0].T
    owners = generator.permutation(np.repeat(np.arange(len(sizes)), sizes))
    noise = generator.normal(size=(len(owners), 192)) * spread / np.sqrt(192)
    return (middle[owners] + noise).astype(np.float32) * 7, owners


def is_same_partition(found: np.ndarray, truth: np.ndarray) -> bool:
    pairs = {(int(one), int(other)) for one, other in zip(found, truth, strict=True)}
    return len(pairs) == len(set(found.tolist())) == len(set(truth.tolist()))


@pytest.mark.parametrize("sizes", [[80], [40, 40], [90, 12], [40, 30, 20], [25] * 4, [20] * 8])
def test_speakers_are_found_by_themselves(sizes: list[int]) -> None:
    vectors, owners = voices(sizes)
    assert is_same_partition(clustering.cluster(vectors, 1, 8), owners)


@pytest.mark.parametrize("n_speakers", [2, 5, 12, 20])
def test_as_many_as_asked_for(n_speakers: int) -> None:
    vectors, owners = voices([15] * n_speakers)
    assert is_same_partition(clustering.cluster(vectors, n_speakers, n_speakers), owners)


def test_a_range_bounds_what_is_found() -> None:
    vectors, _ = voices([30] * 5)
    assert len(set(clustering.cluster(vectors, 1, 3).tolist())) == 3
    alone, _ = voices([60])
    assert len(set(clustering.cluster(alone, 2, 4).tolist())) == 2


def test_two_languages_of_one_person_are_one_speaker() -> None:
    # centres with a cosine of 0.7: a person measured in two languages has more, two persons 0.1 to 0.5
    vectors, owners = voices([40, 40], spread=0.5)
    middle = np.stack([vectors[owners == owner].mean(axis=0) for owner in (0, 1)])
    vectors[owners == 1] += 1.7 * middle[0]
    assert set(clustering.cluster(vectors, 1, 8).tolist()) == {0}


def test_thousands_of_windows_are_clustered_by_some() -> None:
    vectors, owners = voices([3_000, 1_500, 300])  # an hour and more; a full eigenproblem would take minutes
    assert is_same_partition(clustering.cluster(vectors, 1, 8), owners)


@pytest.mark.parametrize("n_windows", [0, 1, 2, 3, 7])
def test_few_windows(n_windows: int) -> None:
    vectors = np.random.default_rng(1).normal(size=(n_windows, 192)).astype(np.float32)
    for least, most in ((1, 20), (1, 1), (2, 2), (9, 9)):
        labels = clustering.cluster(vectors, least, most)
        assert labels.shape == (n_windows,)
        assert sorted(set(labels.tolist())) == list(range(len(set(labels.tolist()))))
        assert len(set(labels.tolist())) <= most


def test_vectors_of_silence_are_no_error() -> None:
    labels = clustering.cluster(np.zeros((20, 192), dtype=np.float32), 1, 20)
    assert labels.shape == (20,)


def test_it_repeats_itself() -> None:
    vectors, _ = voices([50, 30, 20], spread=1.5)
    first = clustering.cluster(vectors, 1, 8)
    assert np.array_equal(first, clustering.cluster(vectors.copy(), 1, 20))
