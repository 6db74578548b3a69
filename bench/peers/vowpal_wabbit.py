"""Vowpal Wabbit's side of the linear comparison: a cache of its own, then passes over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from bench import measure

Fit = Callable[[], tuple[np.ndarray, float]]

# Where Vowpal Wabbit keeps the constant's weight, before the mask.
_CONSTANT = 11650396


def lay(x: Any, y: np.ndarray, folder: Path) -> tuple[float, Path, int]:
    """Write a cache; return the seconds of making it from text, its file and its bits."""
    from vowpalwabbit import Workspace

    text, cache = folder / "rows.txt", folder / "rows.cache"
    rows = sp.csr_matrix(x)
    with text.open("w") as out:
        for r, label in enumerate(y):
            own = slice(rows.indptr[r], rows.indptr[r + 1])
            pairs = zip(rows.indices[own], rows.data[own], strict=True)
            out.write(f"{2 * label - 1} |" + "".join(f" {c}:{v:.9g}" for c, v in pairs) + "\n")
    bits = max(18, int(np.ceil(np.log2(rows.shape[1] + 1))) + 1)

    def read() -> None:
        Workspace(f"-d {text} -b {bits} --cache_file {cache} -k --noop --quiet").finish()

    seconds, _ = measure.timed(read)
    text.unlink()
    return seconds, cache, bits


def fits(p: Any, cache: Path, bits: int) -> list[tuple[str, list[tuple[str, Fit]]]]:
    """Return its solvers with their fits."""
    from vowpalwabbit import Workspace

    n, features = p.x.shape
    loss = f"--loss_function {p.loss}"

    def fit(words: str) -> tuple[np.ndarray, float]:
        model = Workspace(f"-d {cache} -b {bits} --cache_file {cache} {loss} {words} --quiet")
        mask = (1 << bits) - 1
        coef = np.array([model.get_weight(i) for i in range(features)])
        intercept = model.get_weight(_CONSTANT & mask)
        model.finish()
        return coef, float(intercept)

    # Of its online method the weights that can be read lack the penalty's last factor.
    bfgs = f"--bfgs --l2 {p.reg * n:g} --no_bias_regularization --termination 0 --holdout_off"
    words = [f"{bfgs} --passes {k}" for k in (10, 20, 40, 100, 300)]
    return [("vw bfgs", [(w, lambda w=w: fit(w)) for w in words])] if p.loss == "logistic" else []
