"""Alternating least squares in plain NumPy, float64, row by row: slow, short, and not ours.

Explicit is ALS-WR (Zhou, Wilkinson, Schreiber, Pan 2008), implicit is Hu, Koren, Volinsky 2008 with
confidence 1 + alpha |r|; a row's regularisation is weighted by its number of ratings, in implicit
mode of those above 0 (as MLlib counts). Written from the papers, on dense matrices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """Ratings as a dense matrix, and what is to be minimised over them."""

    ratings: Matrix  # 0 where there is none
    known: NDArray[np.bool_]
    reg: float
    implicit: bool = False
    alpha: float = 1.0
    nonnegative: bool = False

    @property
    def transposed(self) -> Problem:
        """The same problem with users and items exchanged."""
        return Problem(
            self.ratings.T, self.known.T, self.reg, self.implicit, self.alpha, self.nonnegative
        )

    @property
    def weights(self) -> Matrix:
        """What a pair's squared error counts."""
        if not self.implicit:
            return self.known.astype(np.float64)
        return 1.0 + self.alpha * np.abs(self.ratings) * self.known

    @property
    def targets(self) -> Matrix:
        """What a pair's product should be."""
        if not self.implicit:
            return self.ratings
        return ((self.ratings > 0) & self.known).astype(np.float64)

    @property
    def counts(self) -> Matrix:
        """What a row's regularisation is weighted by."""
        counted = self.known & (self.ratings > 0) if self.implicit else self.known
        return counted.sum(axis=1).astype(np.float64)


def problem(users: Matrix, items: Matrix, values: Matrix, **parameters: float) -> Problem:
    """A problem from triples; its rows and columns are the distinct ids in ascending order."""
    user_ids, u = np.unique(users, return_inverse=True)
    item_ids, i = np.unique(items, return_inverse=True)
    ratings = np.zeros((len(user_ids), len(item_ids)))
    known = np.zeros(ratings.shape, dtype=bool)
    ratings[u, i] = values
    known[u, i] = True
    return Problem(ratings, known, **parameters)  # type: ignore[arg-type]


def objective(p: Problem, x: Matrix, y: Matrix) -> float:
    """The loss over the pairs that count, and both penalties."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    loss = (p.weights * (p.targets - x @ y.T) ** 2).sum()
    rows = (p.counts * (x**2).sum(axis=1)).sum()
    columns = (p.transposed.counts * (y**2).sum(axis=1)).sum()
    return float(loss + p.reg * (rows + columns))


def half_step(p: Problem, y: Matrix) -> Matrix:
    """The best x for a fixed y: each row by itself, exactly."""
    y = y.astype(np.float64)
    x = np.empty((len(p.ratings), y.shape[1]))
    for row, (weights, targets, count) in enumerate(
        zip(p.weights, p.targets, p.counts, strict=True)
    ):
        a = (y.T * weights) @ y + p.reg * count * np.eye(y.shape[1])
        b = y.T @ (weights * targets)
        if p.nonnegative:
            root = np.linalg.cholesky(a)
            x[row], _ = scipy.optimize.nnls(root.T, np.linalg.solve(root, b))
        else:
            x[row] = np.linalg.solve(a, b)
    return x


def iterate(p: Problem, y: Matrix, times: int) -> tuple[Matrix, Matrix]:
    """Users, then items, as often as asked."""
    for _ in range(times):
        x = half_step(p, y)
        y = half_step(p.transposed, x)
    return x, y


def converge(p: Problem, rank: int, seed: int, tol: float = 1e-10) -> tuple[Matrix, Matrix]:
    """From a random start until an iteration lowers the objective by less than `tol` of it."""
    draw = np.random.default_rng(seed)
    y = draw.normal(size=(p.ratings.shape[1], rank)) / np.sqrt(rank)
    y = np.abs(y) if p.nonnegative else y
    before = np.inf
    while True:
        x, y = iterate(p, y, 1)
        now = objective(p, x, y)
        if before - now <= tol * now:
            return x, y
        before = now
