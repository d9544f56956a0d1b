"""The best pairs of two sides: the Hungarian method, for the mapping of speakers.

In goes a matrix of gains; out come pairs with the largest sum. Kuhn's method by potentials, O(n² m); sides
are speakers, rarely more than ten. scipy has it, and is no dependency.
"""

from __future__ import annotations

import numpy as np


def assign(gains: np.ndarray) -> list[tuple[int, int]]:
    """Return pairs (row, column) with the largest sum of `float64[n_rows, n_columns]`, in order of rows."""
    n_rows, n_columns = gains.shape
    if not n_rows or not n_columns:
        return []
    if n_rows > n_columns:
        return sorted((row, column) for column, row in assign(gains.T))
    costs = -gains.astype(np.float64)
    rows, columns = np.zeros(n_rows + 1), np.zeros(n_columns + 1)  # potentials
    owner = np.zeros(n_columns + 1, dtype=np.int64)  # row of each column, from 1; 0 is free
    for row in range(1, n_rows + 1):
        _add(row, costs, rows, columns, owner)
    return sorted((int(owner[column]) - 1, column - 1) for column in range(1, n_columns + 1) if owner[column])


def _add(row: int, costs: np.ndarray, rows: np.ndarray, columns: np.ndarray, owner: np.ndarray) -> None:
    """Give a further row its column, by the cheapest alternating path."""
    n_columns = len(columns) - 1
    owner[0] = row
    least = np.full(n_columns + 1, np.inf)
    before = np.zeros(n_columns + 1, dtype=np.int64)
    is_used = np.zeros(n_columns + 1, dtype=bool)
    at = 0
    while True:
        is_used[at] = True
        current = owner[at]
        reduced = costs[current - 1] - rows[current] - columns[1:]
        is_nearer = ~is_used[1:] & (reduced < least[1:])
        least[1:][is_nearer] = reduced[is_nearer]
        before[1:][is_nearer] = at
        open_costs = np.where(is_used[1:], np.inf, least[1:])
        following = int(open_costs.argmin()) + 1
        step = open_costs[following - 1]
        rows[owner[is_used]] += step
        columns[is_used] -= step
        least[1:][~is_used[1:]] -= step
        at = following
        if not owner[at]:
            break
    while at:
        owner[at] = owner[before[at]]
        at = int(before[at])
