"""Approximate search for the largest products with rows, by faiss, which is asked for when used."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class GraphIndex:
    """A graph of rows in which each is linked to those with which its products are large.

    The links are made for inner products themselves [Morozov2018]_: in our trials with factors of
    many lengths, the usual way by distances, with a column that makes all rows equally long, found
    far fewer of the best.
    """

    def __init__(self, rows: NDArray[np.float32], links: int, build_width: int, width: int) -> None:
        self._faiss = _faiss()
        self._width = width
        self._index = self._faiss.IndexHNSWFlat(
            rows.shape[1], links, self._faiss.METRIC_INNER_PRODUCT
        )
        self._index.hnsw.efConstruction = build_width
        self._index.add(rows)

    def search(
        self, x: NDArray[np.float32], k: int, without: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return up to k rows whose products with x are about the largest, in no order."""
        # What is left out must outlive the search, which holds it by address.
        left_out = self._faiss.IDSelectorBatch(without)
        kept = self._faiss.IDSelectorNot(left_out) if len(without) else None
        params = self._faiss.SearchParametersHNSW(efSearch=max(self._width, k), sel=kept)
        _, found = self._index.search(x[np.newaxis], k, params=params)
        rows: NDArray[np.int64] = found[0][found[0] >= 0]
        return rows


def _faiss() -> Any:
    try:
        import faiss
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "approximate search needs faiss: install it with pip install 'mllib-py[ann]'"
        ) from None
    return faiss
