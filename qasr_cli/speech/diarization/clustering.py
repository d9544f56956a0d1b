"""Clusters of voices: which windows of speech are of one speaker, and how many speakers there are.

In go one vector for each window, `float32[n, d]`, and the limits of their number; out comes a cluster's
number for each. Spectral clustering on cosine similarities whose weak ones are dropped (von Luxburg, "A
Tutorial on Spectral Clustering", 2007; pruning as in Wang et al., "Speaker Diarization with LSTM", 2018):
the number of clusters is where the Laplacian's eigenvalues have their largest gap. Deterministic: nothing
is drawn by chance.

An hour has thousands of windows, and eigenvectors of n windows cost n³. So at most `_MAX_NODES` of them,
evenly spaced, are clustered; each of the others gets the cluster whose centre is nearest.
"""

from __future__ import annotations

import numpy as np

MAX_FOUND = 8  # clusters that are found; more must be asked for: the gap says nothing about many of them
_MAX_NODES = 600  # whose eigenvectors cost 50 ms on one thread, and a megabyte; 30 of a speaker with 5 %
_NEIGHBOURS = 0.2  # share of a row's similarities that is kept
_LEAST_NEIGHBOURS = 6
_SAME = (
    0.55  # centres from here on are one speaker: two speakers have up to 0.47, parts of one more than this
)
_ROUNDS = 20


def cluster(vectors: np.ndarray, least: int, most: int) -> np.ndarray:
    """Return the cluster of each window, `int64[n]`, numbered from 0 without gaps.

    Args:
        vectors: `float32[n, d]`, of any length.
        least: Least number of clusters; fewer come out if there are fewer windows.
        most: Greatest number of clusters.
    """
    units = normalized(vectors)
    if len(units) <= 1 or most == 1:
        return np.zeros(len(units), dtype=np.int64)
    places = np.linspace(0, len(units) - 1, min(len(units), _MAX_NODES)).round().astype(np.int64)
    nodes = units[places]
    labels = _merged(nodes, _spectral(nodes, least, most), least)
    if len(nodes) == len(units):
        return labels
    return _without_gaps(np.argmax(units @ centres(nodes, labels).T, axis=1))


def normalized(vectors: np.ndarray) -> np.ndarray:
    """Return the vectors at length 1."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)


def centres(units: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the centre of each cluster at length 1, `float32[n_clusters, d]`."""
    sums = np.zeros((int(labels.max(initial=-1)) + 1, units.shape[1]), dtype=np.float64)
    np.add.at(sums, labels, units)
    return normalized(sums)


def _without_gaps(labels: np.ndarray) -> np.ndarray:
    return np.unique(labels, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _spectral(nodes: np.ndarray, least: int, most: int) -> np.ndarray:
    """Return clusters of the nodes."""
    similarity = nodes @ nodes.T
    np.fill_diagonal(similarity, 0)
    kept = min(len(nodes) - 1, max(_LEAST_NEIGHBOURS, round(_NEIGHBOURS * len(nodes))))
    weakest = -np.partition(-similarity, kept - 1, axis=1)[:, kept - 1 : kept]
    pruned = np.where(similarity >= weakest, np.maximum(similarity, 0), 0)
    pruned = (pruned + pruned.T) / 2
    laplacian = np.diag(pruned.sum(axis=1)) - pruned
    values, eigenvectors = np.linalg.eigh(laplacian)
    least, most = min(least, len(nodes)), min(most, len(nodes))
    furthest = min(max(most, MAX_FOUND), len(nodes) - 1)
    gaps = np.diff(values[: furthest + 1])[least - 1 :]
    n_clusters = least if most == least or not len(gaps) else min(most, least + int(np.argmax(gaps)))
    return _k_means(eigenvectors[:, :n_clusters], n_clusters)


def _k_means(points: np.ndarray, n_clusters: int) -> np.ndarray:
    """Return clusters by Lloyd's method, begun with points far from each other (Gonzalez 1985)."""
    if n_clusters == 1:
        return np.zeros(len(points), dtype=np.int64)
    chosen = [int(np.argmax(np.square(points - points.mean(axis=0)).sum(axis=1)))]
    distance = np.square(points - points[chosen[0]]).sum(axis=1)
    while len(chosen) < n_clusters:
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.square(points - points[chosen[-1]]).sum(axis=1))
    middle = points[chosen]
    labels = np.zeros(len(points), dtype=np.int64)
    for _ in range(_ROUNDS):
        labels = np.argmin(np.square(points[:, None] - middle).sum(axis=2), axis=1)
        moved = np.stack(
            [
                points[labels == number].mean(axis=0) if (labels == number).any() else middle[number]
                for number in range(n_clusters)
            ]
        )
        if np.allclose(moved, middle):
            break
        middle = moved
    return _without_gaps(labels)


def _merged(nodes: np.ndarray, labels: np.ndarray, least: int) -> np.ndarray:
    """Return the clusters after those with nearly the same centre are merged, the nearest ones first."""
    while (n_clusters := int(labels.max()) + 1) > least:
        middle = centres(nodes, labels)
        similarity = middle @ middle.T
        np.fill_diagonal(similarity, -1)
        one, other = np.unravel_index(int(np.argmax(similarity)), similarity.shape)
        if n_clusters < 2 or similarity[one, other] < _SAME:
            break
        labels = _without_gaps(np.where(labels == max(one, other), min(one, other), labels))
    return labels
