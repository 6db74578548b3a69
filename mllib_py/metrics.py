"""Ranking metrics of recommendations, on arrays and on Spark DataFrames alike.

Papers and libraries give one name to different numbers (Tamm et al. 2021), so this is what the
names mean here. L is the list of a user, cut after k items; R are the user's relevant items; rel(j)
is 1 where the item at position j (from 1) of L is in R, else 0; hits(j) = rel(1) + ... + rel(j).

- A metric is the mean over the users who have relevant items; other users are left out.
- A user with relevant items but without recommendations counts as 0, in every metric.
- A list that is shorter than k is taken as it is: what is missing is no hit.
- Of equal ranks or scores, the lower item id comes first, so the order of rows never matters.

`coverage` and `novelty` are about the lists alone: they take in every user who has one.

References
----------
- Tamm, Damdinov, Vasilev: Quality metrics in recommender systems: do we calculate metrics
  consistently? RecSys 2021.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import pyspark.sql as ps
from numpy.typing import NDArray
from pyspark.sql import functions as F
from pyspark.sql import types as T

from mllib_py import _columns
from mllib_py._checks import whole

__all__ = [
    "auc_at_k",
    "average_precision_at_k",
    "coverage",
    "hit_rate_at_k",
    "ndcg_at_k",
    "novelty",
    "precision_at_k",
    "ranking_metrics",
    "recall_at_k",
    "reciprocal_rank",
]

# 2 ** 1024 is beyond a double, and a sum of gains needs room too.
_MOST_EXPONENT = 1000


def ranking_metrics(
    recommended: Any,
    relevant: Any,
    k: int = 10,
    *,
    train: Any = None,
    n_items: int | None = None,
    gain_col: str | None = None,
    exponential: bool = False,
    user_col: str = "user",
    item_col: str = "item",
) -> dict[str, float]:
    """Return all the metrics of this module at once.

    Parameters
    ----------
    recommended : pandas.DataFrame, Spark DataFrame, or list of lists
        A table has a user, an item, and a ``rank`` (ascending) or else a ``score`` (descending), as
        `ALS.recommend` gives; rows beyond `k` are cut off. Of lists (or the rows of a 2-D array),
        the first is that of the first user, best item first. Spark reads its DataFrames several
        times, so persist what is dear to compute.
    relevant : the same kind as `recommended`
        A table has a user and an item. Of lists (or sets), the first is that of the first user; for
        graded relevance each is a dict of item to gain.
    k : int, default=10
        Length of the lists.
    train : the same kind as `relevant`, optional
        What was known before: it gives the popularity of items, for `novelty`.
    n_items : int, optional
        Size of the catalogue, for `coverage` and `auc_at_k`. Default: the distinct items of
        `train`.
    gain_col : str, optional
        Column of `relevant` with gains of at least 0; items of gain 0 are not relevant. Default:
        every item that is there has gain 1.
    exponential : bool, default=False
        See `ndcg_at_k`.
    user_col, item_col : str
        Columns of the tables.

    Returns
    -------
    dict of str to float
        A mean by the name of its function, and ``n_users``, the number of users with relevant
        items. ``auc_at_k`` and ``coverage`` are there where `n_items` or `train` is given,
        ``novelty`` where `train` is. Spark DataFrames are not collected: the same sums are taken
        where the rows are, and the numbers are the same to rounding.

    Raises
    ------
    ValueError
        A column is missing, an id, a rank or a gain is null, a gain is negative, a user and an item
        come together twice in `recommended` or `relevant`, no item is relevant, `k` is below 1, or
        `n_items` is less than there are, or an item is recommended that is not in `train`.
    TypeError
        The data are of different kinds or of a kind that cannot be lists, or ids are integers in
        one and texts in another.

    Examples
    --------
    >>> from mllib_py import metrics
    >>> recommended = [[10, 20, 30], [30, 40, 10], []]
    >>> relevant = [{20, 30}, {30}, {50}]
    >>> found = metrics.ranking_metrics(recommended, relevant, k=2, n_items=8)
    >>> {name: round(value, 3) for name, value in found.items()}
    {'precision_at_k': 0.333, 'recall_at_k': 0.5, 'average_precision_at_k': 0.417,
     'ndcg_at_k': 0.462, 'reciprocal_rank': 0.5, 'hit_rate_at_k': 0.667, 'auc_at_k': 0.542,
     'n_users': 3, 'coverage': 0.5}
    """
    asked = _Asked(k, user_col, item_col, gain_col, exponential, n_items)
    top = _top(asked, recommended=recommended, relevant=relevant, train=train)
    popularity = None if train is None else top.popularity(train)
    if popularity is not None and n_items is None:
        asked = top.asked = _Asked(k, user_col, item_col, gain_col, exponential, popularity.n_items)
    names = [name for name in _FORMULAS if name != "auc_at_k" or asked.n_items is not None]
    found = top.accuracy(names, relevant)
    if asked.n_items is not None:
        found["coverage"] = top.coverage()
    if popularity is not None:
        found["novelty"] = top.novelty(popularity)
    return found


def precision_at_k(
    recommended: Any,
    relevant: Any,
    k: int = 10,
    *,
    gain_col: str | None = None,
    user_col: str = "user",
    item_col: str = "item",
) -> float:
    """Return the mean share of the list that is relevant: hits(k) / k.

    A list shorter than k is still divided by k (Tamm et al. 2021).

    Parameters
    ----------
    recommended, relevant, k, gain_col, user_col, item_col
        As `ranking_metrics` takes them.

    Returns
    -------
    float
        From 0 to 1; 1 is within reach of users with at least k relevant items.

    Raises
    ------
    ValueError, TypeError
        As `ranking_metrics` raises them.

    References
    ----------
    - Tamm, Damdinov, Vasilev: Quality metrics in recommender systems: do we calculate metrics
      consistently? RecSys 2021.

    Examples
    --------
    >>> from mllib_py import metrics
    >>> metrics.precision_at_k([[10, 20], [30]], [[20], [30, 40]], k=2)
    0.5
    """
    asked = _Asked(k, user_col, item_col, gain_col)
    return _one("precision_at_k", asked, recommended, relevant)


def recall_at_k(
    recommended: Any,
    relevant: Any,
    k: int = 10,
    *,
    gain_col: str | None = None,
    user_col: str = "user",
    item_col: str = "item",
) -> float:
    """Return the mean share of the relevant items that is in the list: hits(k) / |R|.

    The divisor is not min(k, |R|), which some libraries take (Tamm et al. 2021).

    Parameters
    ----------
    recommended, relevant, k, gain_col, user_col, item_col
        As `ranking_metrics` takes them.

    Returns
    -------
    float
        From 0 to 1; 1 is within reach of users with at most k relevant items.

    Raises
    ------
    ValueError, TypeError
        As `ranking_metrics` raises them.

    References
    ----------
    - Tamm, Damdinov, Vasilev: Quality metrics in recommender systems: do we calculate metrics
      consistently? RecSys 2021.

    Examples
    --------
    >>> from mllib_py import metrics
    >>> metrics.recall_at_k([[10, 20], [30]], [[20], [30, 40]], k=2)
    0.75
    """
    asked = _Asked(k, user_col, item_col, gain_col)
    return _one("recall_at_k", asked, recommended, relevant)


def average_precision_at_k(
    recommended: Any,
    relevant: Any,
    k: int = 10,
    *,
    gain_col: str | None = None,
    user_col: str = "user",
    item_col: str = "item",
) -> float:
    """Return the mean average precision (MAP).

    For a user it is

        sum over j = 1..k of rel(j) * hits(j) / j, divided by min(k, |R|)

    Of all metrics this one differs most between libraries (Tamm et al. 2021); with the divisor
    min(k, |R|) the best list possible has 1. Where k is at least the length of the ranking, it is
    the average precision of information retrieval.

    Parameters
    ----------
    recommended, relevant, k, gain_col, user_col, item_col
        As `ranking_metrics` takes them.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError, TypeError
        As `ranking_metrics` raises them.

    References
    ----------
    - Tamm, Damdinov, Vasilev: Quality metrics in recommender systems: do we calculate metrics
      consistently? RecSys 2021.

    Examples
    --------
    >>> from mllib_py import metrics
    >>> metrics.average_precision_at_k([[10, 20], [30]], [[20], [30, 40]], k=2)
    0.5
    """
    asked = _Asked(k, user_col, item_col, gain_col)
    return _one("average_precision_at_k", asked, recommended, relevant)


def ndcg_at_k(
    recommended: Any,
    relevant: Any,
    k: int = 10,
    *,
    gain_col: str | None = None,
    exponential: bool = False,
    user_col: str = "user",
    item_col: str = "item",
) -> float:
    """Return the mean normalised discounted cumulative gain (NDCG).

    For a user it is DCG / IDCG, where

        DCG = sum over j = 1..k of g(j) / log2(j + 1)

    with g(j) the gain of the item at position j, 0 where it is not in R. IDCG is the DCG of the
    best list possible: all of R, also what was not recommended, by falling gain, cut after k.

    Gains as they are, and the division by the ideal, are those of Jarvelin and Kekalainen (2002),
    who however leave the positions up to the base of their logarithm without discount; the discount
    log2(j + 1) and gains 2^g - 1 are those of Burges et al. (2005).

    Parameters
    ----------
    recommended, relevant, k, gain_col, user_col, item_col
        As `ranking_metrics` takes them.
    exponential : bool, default=False
        Take 2^g - 1 for a gain g, which stresses high gains. Gains of 0 and 1 stay as they are.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError, TypeError
        As `ranking_metrics` raises them, and where gains are too high for `exponential`.

    References
    ----------
    - Jarvelin, Kekalainen: Cumulated gain-based evaluation of IR techniques. ACM Transactions
      on Information Systems 20(4), 2002.
    - Burges et al.: Learning to rank using gradient descent. ICML 2005.

    Examples
    --------
    >>> from mllib_py import metrics
    >>> round(metrics.ndcg_at_k([[10, 20]], [[20]], k=2), 3)
    0.631
    >>> round(metrics.ndcg_at_k([[10, 20]], [{10: 1.0, 20: 3.0}], k=2), 3)
    0.797
    """
    asked = _Asked(k, user_col, item_col, gain_col, exponential)
    return _one("ndcg_at_k", asked, recommended, relevant)


def reciprocal_rank(
    recommended: Any,
    relevant: Any,
    k: int = 10,
    *,
    gain_col: str | None = None,
    user_col: str = "user",
    item_col: str = "item",
) -> float:
    """Return the mean reciprocal rank (MRR; Voorhees 1999).

    For a user it is 1 / j, with j the position of the first relevant item of the list; 0 where
    there is none among the first k.

    Parameters
    ----------
    recommended, relevant, k, gain_col, user_col, item_col
        As `ranking_metrics` takes them.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError, TypeError
        As `ranking_metrics` raises them.

    References
    ----------
    - Voorhees: The TREC-8 question answering track report. TREC 1999.

    Examples
    --------
    >>> from mllib_py import metrics
    >>> metrics.reciprocal_rank([[10, 20], [30]], [[20], [30, 40]], k=2)
    0.75
    """
    asked = _Asked(k, user_col, item_col, gain_col)
    return _one("reciprocal_rank", asked, recommended, relevant)


def hit_rate_at_k(
    recommended: Any,
    relevant: Any,
    k: int = 10,
    *,
    gain_col: str | None = None,
    user_col: str = "user",
    item_col: str = "item",
) -> float:
    """Return the share of users with a relevant item in the list: 1 where hits(k) > 0, else 0.

    It stems from tests that hide one item of each user (Deshpande and Karypis 2004); where several
    are relevant, several hits count as one.

    Parameters
    ----------
    recommended, relevant, k, gain_col, user_col, item_col
        As `ranking_metrics` takes them.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError, TypeError
        As `ranking_metrics` raises them.

    References
    ----------
    - Deshpande, Karypis: Item-based top-N recommendation algorithms. ACM Transactions on
      Information Systems 22(1), 2004.

    Examples
    --------
    >>> from mllib_py import metrics
    >>> metrics.hit_rate_at_k([[10, 20], [30]], [[20], [40]], k=2)
    0.5
    """
    asked = _Asked(k, user_col, item_col, gain_col)
    return _one("hit_rate_at_k", asked, recommended, relevant)


def auc_at_k(
    recommended: Any,
    relevant: Any,
    k: int = 10,
    *,
    n_items: int,
    gain_col: str | None = None,
    user_col: str = "user",
    item_col: str = "item",
) -> float:
    """Return the mean area under the ROC curve, as far as a list of k items tells it.

    For a user it is the probability that a relevant item comes before one that is not, where all
    items outside the list come after it, in random order (limited AUC, Schroder et al. 2011). With
    N = n_items - |R|, h = hits(k) and m the items of the list that are not relevant,

        (sum over j with rel(j) = 0 of hits(j) + (N - m) * (h + |R|) / 2) / (|R| * N)

    A list of the whole catalogue gives the AUC of its ranking; a list without hits gives a little
    less than 0.5, and no list at all 0, as in the other metrics. To count only pairs within the
    list is another metric of this name.

    Parameters
    ----------
    recommended, relevant, k, gain_col, user_col, item_col
        As `ranking_metrics` takes them.
    n_items : int
        Size of the catalogue; items that were left out as seen count as not relevant.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError, TypeError
        As `ranking_metrics` raises them, and where a user with a list has no item that is not
        relevant.

    References
    ----------
    - Schroder, Thiele, Lehner: Setting goals and choosing metrics for recommender system
      evaluations. UCERSTI at RecSys 2011.

    Examples
    --------
    >>> from mllib_py import metrics
    >>> metrics.auc_at_k([[10, 20]], [[20]], k=2, n_items=5)
    0.75
    """
    asked = _Asked(k, user_col, item_col, gain_col, n_items=whole("n_items", n_items, 1))
    return _one("auc_at_k", asked, recommended, relevant)


def coverage(
    recommended: Any,
    k: int = 10,
    *,
    n_items: int,
    user_col: str = "user",
    item_col: str = "item",
) -> float:
    """Return the share of the catalogue that is in the list of some user.

    It is the number of distinct items in all lists, divided by `n_items` (catalogue
    coverage, Ge et al. 2010). Lists of users without relevant items count too.

    Parameters
    ----------
    recommended, k, user_col, item_col
        As `ranking_metrics` takes them.
    n_items : int
        Size of the catalogue.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError, TypeError
        As `ranking_metrics` raises them.

    References
    ----------
    - Ge, Delgado-Battenfeld, Jannach: Beyond accuracy: evaluating recommender systems by
      coverage and serendipity. RecSys 2010.

    Examples
    --------
    >>> from mllib_py import metrics
    >>> metrics.coverage([[10, 20], [10, 30]], k=2, n_items=4)
    0.75
    """
    asked = _Asked(k, user_col, item_col, n_items=whole("n_items", n_items, 1))
    return _top(asked, recommended=recommended).coverage()


def novelty(
    recommended: Any,
    train: Any,
    k: int = 10,
    *,
    user_col: str = "user",
    item_col: str = "item",
) -> float:
    """Return how unexpected the recommended items are, in bits.

    The self-information of an item i is -log2 p(i), with p(i) the share of the users of `train`
    who have i there. It is averaged over the list of a user, and then over the users with a list
    (Zhou et al. 2010, who call it surprisal).

    Parameters
    ----------
    recommended, train, k, user_col, item_col
        As `ranking_metrics` takes them; a pair that repeats in `train` counts once.

    Returns
    -------
    float
        0 where every user has every recommended item; NaN where nothing is recommended.

    Raises
    ------
    ValueError, TypeError
        As `ranking_metrics` raises them.

    References
    ----------
    - Zhou, Kuscsik, Liu, Medo, Wakeling, Zhang: Solving the apparent diversity-accuracy
      dilemma of recommender systems. PNAS 107(10), 2010.

    Examples
    --------
    >>> from mllib_py import metrics
    >>> metrics.novelty([[20], [10]], train=[[10], [10, 20], [10], [10]])
    1.0
    """
    asked = _Asked(k, user_col, item_col)
    top = _top(asked, recommended=recommended, train=train)
    return top.novelty(top.popularity(train))


# --- what is asked


@dataclass(frozen=True)
class _Asked:
    """The parameters that the functions share, checked."""

    k: int
    user_col: str
    item_col: str
    gain_col: str | None = None
    exponential: bool = False
    n_items: int | None = None

    def __post_init__(self) -> None:
        whole("k", self.k, 1)
        if self.n_items is not None:
            whole("n_items", self.n_items, 1)


def _one(name: str, asked: _Asked, recommended: Any, relevant: Any) -> float:
    top = _top(asked, recommended=recommended, relevant=relevant)
    return top.accuracy([name], relevant)[name]


def _top(asked: _Asked, *, recommended: Any, **others: Any) -> _Top:
    """Return the lists, with what counts on data of their kind."""
    given = {"recommended": recommended} | {n: d for n, d in others.items() if d is not None}
    if "relevant" in others:
        given["relevant"] = others["relevant"]
    kinds = {name: _kind(name, data) for name, data in given.items()}
    kind = kinds["recommended"]
    for name, other in kinds.items():
        if other != kind:
            raise TypeError(
                f"{name} and recommended must be of one kind, not {other} and {kind}; convert one"
            )
    if kind == "lists" and asked.gain_col is not None:
        raise ValueError(
            "gain_col names a column of a table; with lists, relevant holds a dict of item to gain "
            "for each user"
        )
    if kind == "lists" and "relevant" in given and len(recommended) != len(given["relevant"]):
        raise ValueError(
            "recommended and relevant must have a list for each user, not "
            f"{len(recommended)} and {len(given['relevant'])} lists"
        )
    return (
        _FrameTop(recommended, asked)
        if kind == "a Spark DataFrame"
        else _ArrayTop(recommended, asked)
    )


def _kind(name: str, data: Any) -> str:
    if isinstance(data, pd.DataFrame):
        return "a pandas DataFrame"
    if isinstance(data, ps.DataFrame):
        return "a Spark DataFrame"
    if isinstance(data, list | tuple) or (isinstance(data, np.ndarray) and data.ndim):
        return "lists"
    raise TypeError(
        f"{name} must be a pandas or Spark DataFrame or a list of lists, not {type(data).__name__}"
    )


# --- the formulas: on arrays and on Spark's columns alike


@dataclass(frozen=True)
class _PerUser:
    """What the formulas need to know of each user: an array or a Spark column each."""

    k: int
    hits: Any
    found: Any  # 1 where there is a hit, else 0
    first: Any  # 1 / position of the first hit, 0 where there is none
    precisions: Any  # sum of hits(j) / j over the hits
    gained: Any  # DCG
    ideal: Any  # IDCG
    in_order: Any  # sum of hits(j) over the misses
    misses: Any
    n_relevant: Any
    n_ideal: Any  # min(k, n_relevant)
    n_irrelevant: Any


_FORMULAS: dict[str, Callable[[_PerUser], Any]] = {
    "precision_at_k": lambda u: u.hits / u.k,
    "recall_at_k": lambda u: u.hits / u.n_relevant,
    "average_precision_at_k": lambda u: u.precisions / u.n_ideal,
    "ndcg_at_k": lambda u: u.gained / u.ideal,
    "reciprocal_rank": lambda u: u.first,
    "hit_rate_at_k": lambda u: u.found,
    "auc_at_k": lambda u: (
        (u.in_order + (u.n_irrelevant - u.misses) * (u.hits + u.n_relevant) / 2)
        / (u.n_relevant * u.n_irrelevant)
    ),
}


@dataclass(frozen=True)
class _Popularity:
    """How many users have each item: arrays or a Spark DataFrame."""

    counts: Any
    n_users: int
    n_items: int


class _Top(ABC):
    """Lists of recommendations, cut after k items."""

    asked: _Asked

    @abstractmethod
    def accuracy(self, names: Sequence[str], relevant: Any) -> dict[str, float]:
        """Return the means of metrics, and the number of users."""

    @abstractmethod
    def popularity(self, train: Any) -> _Popularity:
        """Return how many users have each item."""

    @abstractmethod
    def novelty(self, popularity: _Popularity) -> float:
        """Return the mean self-information."""

    @abstractmethod
    def _n_listed(self) -> int:
        """Return the number of distinct items in the lists."""

    def coverage(self) -> float:
        """Return the share of the catalogue that is in the lists."""
        listed, n_items = self._n_listed(), self.asked.n_items or 0
        if listed > n_items:
            raise ValueError(f"n_items is {n_items}, but {listed} distinct items are recommended")
        return listed / n_items


def _check_catalogue(needed: int, asked: _Asked) -> None:
    if asked.n_items is not None and needed > asked.n_items:
        raise ValueError(
            f"n_items is {asked.n_items}, but AUC needs at least {needed}: a user's relevant items "
            "and one or more that are not"
        )


def _check_users(n_users: int) -> None:
    if not n_users:
        raise ValueError("relevant holds no relevant item, so there is no user to take a mean over")


def _check_known(n_unknown: int) -> None:
    if n_unknown:
        raise ValueError(
            f"{n_unknown} recommendations are of items that are not in train, "
            "so their popularity is not known"
        )


def _check_column(columns: Sequence[Any], name: str, parameter: str, source: str) -> None:
    found = list(columns).count(name)
    if found > 1:
        raise ValueError(f"{source} has {found} columns {name!r}; keep one")
    if not found:
        there = ", ".join(map(str, columns))
        raise ValueError(
            f"{source} has no column {name!r}; name one of its columns with {parameter}: {there}"
        )


def _order_column(columns: Sequence[Any]) -> str:
    for name in ("rank", "score"):
        if name in columns:
            return name
    raise ValueError(
        "recommended has neither a column 'rank' nor 'score', so its order is not known"
    )


def _check_values(name: str, source: str, nulls: int) -> None:
    if nulls:
        raise ValueError(f"{source}: column {name!r} has {nulls} null values; fill or drop them")


def _check_gains(lowest: float, highest: float, asked: _Asked) -> None:
    if lowest < 0 or highest == np.inf:
        raise ValueError(
            f"relevant: gains must be finite and at least 0, not {lowest} to {highest}"
        )
    if asked.exponential and highest > _MOST_EXPONENT:
        raise ValueError(f"relevant: 2^gain is beyond numbers for a gain of {highest}")


def _check_unique(source: str, times: int, user: Any, item: Any) -> None:
    if times > 1:
        raise ValueError(f"{source}: user {user!r} has item {item!r} {times} times; keep one")


def _gain(grade: Any, asked: _Asked) -> Any:
    return 2.0**grade - 1.0 if asked.exponential else grade


# --- arrays

_Ints = NDArray[np.int64]
_Floats = NDArray[np.float64]


class _Ids:
    """Ids as codes into their distinct labels, which ascend."""

    def __init__(self, column: Any, name: str, source: str) -> None:
        self.name, self.source = name, source
        if len(column):
            codes, texts = _columns.id_array(column, name, source)
        else:  # whatever its type is
            codes, texts = np.empty(0, dtype=np.int64), None
        self.is_text = texts is not None
        if texts is None:
            self.codes, labels = pd.factorize(codes, sort=True)
        else:
            order = np.argsort(np.array(texts, dtype=object))
            place = np.empty_like(order)
            place[order] = np.arange(len(order))
            self.codes, labels = place[codes], np.array(texts, dtype=object)[order]
        self.labels = pd.Index(labels)

    def find(self, other: _Ids) -> _Ints:
        """Return where each of another's labels is among these; -1 where it is not."""
        if len(self.labels) and len(other.labels) and self.is_text != other.is_text:
            _refuse_kinds(other.name, other.source, other.is_text, self.source, self.is_text)
        found: _Ints = self.labels.get_indexer(other.labels)
        return found


def _refuse_kinds(name: str, source: str, text: bool, other: str, other_text: bool) -> None:
    kinds = [("text" if t else "integer") for t in (text, other_text)]
    raise TypeError(
        f"{source}: column {name!r} holds {kinds[0]} ids, but those of {other} are {kinds[1]}; "
        "convert one with .astype(str)"
    )


@dataclass(frozen=True)
class _Pairs:
    """Users and items, with a value each."""

    users: _Ids
    items: _Ids
    values: _Floats

    def keys(self) -> _Ints:
        """Return one integer for each pair."""
        keys: _Ints = self.users.codes * np.int64(len(self.items.labels)) + self.items.codes
        return keys

    def check_unique(self, source: str) -> None:
        keys = pd.Series(self.keys())
        again = np.flatnonzero(keys.duplicated())
        if len(again):
            user, item = (ids.labels[ids.codes[again[0]]] for ids in (self.users, self.items))
            times = int((keys == keys[again[0]]).sum())
            _check_unique(source, times, _plain(user), _plain(item))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _table_pairs(table: pd.DataFrame, asked: _Asked, source: str, value: str | None) -> _Pairs:
    names = (asked.user_col, asked.item_col)
    for name, parameter in zip(names, ("user_col", "item_col"), strict=True):
        _check_column(table.columns, name, parameter, source)
    users, items = (_Ids(table[name], name, source) for name in names)
    if value is None:
        return _Pairs(users, items, np.ones(len(table)))
    _check_column(table.columns, value, "gain_col", source)
    return _Pairs(users, items, _numbers(table[value], value, source))


def _numbers(column: pd.Series[Any], name: str, source: str) -> _Floats:
    if not len(column):
        return np.empty(0)
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_complex_dtype(column):
        raise TypeError(f"{source}: column {name!r} must hold numbers, not {column.dtype}")
    _check_values(name, source, int(column.isna().sum()))
    values: _Floats = column.to_numpy(dtype=np.float64)
    return values


_ORDERED: tuple[type, ...] = (list, tuple, np.ndarray)


def _list_pairs(lists: Any, source: str, *, ordered: bool) -> _Pairs:
    """Return the pairs of lists; the value is the position, or the gain where there are gains."""
    allowed = _ORDERED if ordered else (*_ORDERED, set, frozenset, Mapping)
    for row in lists:
        if not isinstance(row, allowed) or (isinstance(row, np.ndarray) and row.ndim != 1):
            raise TypeError(
                f"{source} must hold a list of items for each user, not {type(row).__name__}"
            )
    lengths = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
    users = pd.Series(np.repeat(np.arange(len(lists)), lengths))
    if isinstance(lists, np.ndarray) and lists.ndim == 2:
        items = pd.Series(lists.ravel())
    else:
        flat = list(chain.from_iterable(lists))
        items = _columns.series(flat, "item", source)
    if ordered:
        values = _positions(users.to_numpy()).astype(np.float64)
    else:
        values = _numbers(_list_gains(lists, len(users)), "gain", source)
    return _Pairs(_Ids(users, "user", source), _Ids(items, "item", source), values)


def _list_gains(lists: Any, n: int) -> pd.Series[Any]:
    graded = sum(isinstance(row, Mapping) for row in lists)
    if not graded:
        return pd.Series(np.ones(n))
    if graded < len(lists):
        raise TypeError("relevant must hold a dict of item to gain for each user, or for none")
    return pd.Series(list(chain.from_iterable(row.values() for row in lists)))


def _positions(groups: _Ints) -> _Ints:
    """Return the place of each element in its run of equal ones, from 1."""
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    lengths = np.diff(starts, append=len(groups))
    positions: _Ints = np.arange(len(groups)) - np.repeat(starts, lengths) + 1
    return positions


def _hits(hit: NDArray[np.bool_], positions: _Ints) -> _Ints:
    """Return the hits up to each position: those so far, less those of the lists before."""
    so_far = np.cumsum(hit)
    starts = np.flatnonzero(positions == 1)
    before: _Ints = (so_far - hit)[starts]
    hits: _Ints = so_far - np.repeat(before, np.diff(starts, append=len(hit)))
    return hits


def _ideal(users: _Ints, gains: _Floats, k: int, n: int) -> _Floats:
    """Return the DCG of the best list possible, by user."""
    if len(gains) and (gains == gains[0]).all():  # the number of items says it, without sorting
        best = np.minimum(np.bincount(users, minlength=n), k)
        sums = np.cumsum(1 / np.log2(np.arange(best.max()) + 2))
        return np.where(best > 0, gains[0] * sums[best - 1], 0.0)
    order = np.lexsort((-gains, users))
    places = _positions(users[order])
    discounted = np.where(places <= k, gains[order] / np.log2(places + 1), 0.0)
    sums = np.bincount(users[order], weights=discounted, minlength=n)
    return sums.astype(np.float64, copy=False)


class _ArrayTop(_Top):
    """Lists in arrays: rows by user and position."""

    def __init__(self, recommended: Any, asked: _Asked) -> None:
        self.asked = asked
        pairs = _recommended_pairs(recommended, asked)
        pairs.check_unique("recommended")
        self._user_ids, self._item_ids = pairs.users, pairs.items
        order = np.lexsort((pairs.items.codes, pairs.values, pairs.users.codes))
        positions = _positions(pairs.users.codes[order])
        kept = positions <= asked.k
        self._users = pairs.users.codes[order][kept]
        self._items = pairs.items.codes[order][kept]
        self._positions = positions[kept]

    def accuracy(self, names: Sequence[str], relevant: Any) -> dict[str, float]:
        pairs = self._relevant_pairs(relevant)
        is_relevant = pairs.values > 0
        n_users = int(np.count_nonzero(np.bincount(pairs.users.codes[is_relevant])))
        _check_users(n_users)
        users = self._user_ids.find(pairs.users)[pairs.users.codes]
        items = self._item_ids.find(pairs.items)[pairs.items.codes]
        known = is_relevant & (users >= 0)  # without a list, every metric is 0
        facts = self._per_user(users[known], items[known], _gain(pairs.values[known], self.asked))
        if "auc_at_k" in names and len(facts.misses):
            needed = facts.n_relevant + np.maximum(facts.misses, 1)
            _check_catalogue(int(needed.max()), self.asked)
        found = {name: float(_FORMULAS[name](facts).sum() / n_users) for name in names}
        return found | {"n_users": n_users}

    def _relevant_pairs(self, relevant: Any) -> _Pairs:
        if isinstance(relevant, pd.DataFrame):
            pairs = _table_pairs(relevant, self.asked, "relevant", self.asked.gain_col)
        else:
            pairs = _list_pairs(relevant, "relevant", ordered=False)
        if len(pairs.values):
            _check_gains(float(pairs.values.min()), float(pairs.values.max()), self.asked)
        pairs.check_unique("relevant")
        return pairs

    def _per_user(self, users: _Ints, items: _Ints, gains: _Floats) -> _PerUser:
        """Sum up, by user, what the lists have of relevant items and what they could have."""
        n = len(self._user_ids.labels)
        n_relevant = np.bincount(users, minlength=n)
        kept = n_relevant[self._users] > 0
        owners, positions = self._users[kept], self._positions[kept]
        gained = self._gains_of_lists(users, items, gains)[kept]
        hit = gained > 0
        hits = _hits(hit, positions)
        evaluated = n_relevant > 0

        def total(values: Any) -> Any:
            return np.bincount(owners, weights=values, minlength=n)[evaluated]

        n_relevant = n_relevant[evaluated]
        n_irrelevant = (self.asked.n_items or 0) - n_relevant
        return _PerUser(
            k=self.asked.k,
            hits=total(hit),
            found=total(hit & (hits == 1)),
            first=total((hit & (hits == 1)) / positions),
            precisions=total(hit * hits / positions),
            gained=total(gained / np.log2(positions + 1)),
            ideal=_ideal(users, gains, self.asked.k, n)[evaluated],
            in_order=total(~hit * hits),
            misses=total(~hit),
            n_relevant=n_relevant,
            n_ideal=np.minimum(self.asked.k, n_relevant),
            # Too small a catalogue is refused with its own sentence, not by a division by 0.
            n_irrelevant=np.maximum(n_irrelevant, 1),
        )

    def _gains_of_lists(self, users: _Ints, items: _Ints, gains: _Floats) -> _Floats:
        """Return the gain of each recommendation, 0 where it is not relevant."""
        listed = items >= 0
        width = np.int64(len(self._item_ids.labels))
        places = pd.Index(self._users * width + self._items).get_indexer(
            users[listed] * width + items[listed]
        )
        found = np.zeros(len(self._users))
        found[places[places >= 0]] = gains[listed][places >= 0]
        return found

    def popularity(self, train: Any) -> _Popularity:
        if isinstance(train, pd.DataFrame):
            pairs = _table_pairs(train, self.asked, "train", None)
        else:
            pairs = _list_pairs(train, "train", ordered=False)
        n_items = len(pairs.items.labels)
        items = pd.unique(pairs.keys()) % max(n_items, 1)
        counts = np.bincount(items, minlength=n_items)
        places = pairs.items.find(self._item_ids)
        # By the items of the lists; 0 where train does not have one.
        known = np.zeros(len(places), dtype=np.int64)
        known[places >= 0] = counts[places[places >= 0]]
        return _Popularity(known, len(pairs.users.labels), n_items)

    def novelty(self, popularity: _Popularity) -> float:
        counts = popularity.counts[self._items]
        _check_known(int((counts == 0).sum()))
        if not len(counts):
            return float("nan")
        bits = np.log2(popularity.n_users / counts)
        return float((np.bincount(self._users, weights=bits) / np.bincount(self._users)).mean())

    def _n_listed(self) -> int:
        return len(np.unique(self._items))


def _recommended_pairs(recommended: Any, asked: _Asked) -> _Pairs:
    if not isinstance(recommended, pd.DataFrame):
        return _list_pairs(recommended, "recommended", ordered=True)
    column = _order_column(recommended.columns)
    pairs = _table_pairs(recommended, asked, "recommended", column)
    return pairs if column == "rank" else _Pairs(pairs.users, pairs.items, -pairs.values)


# --- Spark DataFrames


class _FrameTop(_Top):
    """Lists in a Spark DataFrame: user, item, position. Only sums come to the driver."""

    def __init__(self, recommended: ps.DataFrame, asked: _Asked) -> None:
        self.asked = asked
        column = _order_column(recommended.columns)
        frame = _pairs_frame(recommended, asked, "recommended", column)
        _checked_facts(frame, asked, "recommended", column)
        self._kinds = frame.schema
        # From 0, for that gives one zero only: Spark may tell -0.0 from 0.0.
        value = F.col("value") if column == "rank" else F.lit(0.0) - F.col("value")
        window = ps.Window.partitionBy("user").orderBy(value, "item")
        position = F.row_number().over(window)
        self._frame = frame.select("user", "item", position.alias("position")).filter(
            F.col("position") <= asked.k
        )

    def accuracy(self, names: Sequence[str], relevant: Any) -> dict[str, float]:
        gain_col = self.asked.gain_col
        frame = _pairs_frame(relevant, self.asked, "relevant", gain_col, like=self._kinds)
        facts = _checked_facts(frame, self.asked, "relevant", gain_col or "gain")
        n_users = int(facts["n_users"])
        _check_users(n_users)
        gain = _gain(F.col("value"), self.asked).alias("gain")
        gains = frame.filter(F.col("value") > 0).select("user", "item", gain)
        per_user = self._sums(gains).join(_ideals(gains, self.asked), "user")
        u = self._columns_of_user()
        means = {name: F.sum(_FORMULAS[name](u)) / n_users for name in names}
        needed = F.max(u.n_relevant + F.greatest(u.misses, F.lit(1.0)))
        row = per_user.agg(needed, *means.values()).first()
        assert row is not None  # an aggregate has one row
        if "auc_at_k" in names:
            _check_catalogue(int(row[0] or 0), self.asked)
        found = {name: float(mean or 0.0) for name, mean in zip(means, row[1:], strict=True)}
        return found | {"n_users": n_users}

    def _columns_of_user(self) -> _PerUser:
        n_irrelevant = F.lit(float(self.asked.n_items or 0)) - F.col("n_relevant")
        summed = ("hits", "found", "first", "precisions", "gained", "in_order", "misses")
        known = ("ideal", "n_relevant", "n_ideal")
        return _PerUser(
            k=self.asked.k,
            n_irrelevant=F.greatest(n_irrelevant, F.lit(1.0)),
            **{name: F.col(name) for name in summed + known},
        )

    def _sums(self, gains: ps.DataFrame) -> ps.DataFrame:
        """Sum up, by user, what the lists have of relevant items."""
        hit, hits, position = F.col("hit"), F.col("hits"), F.col("position")
        so_far = (
            ps.Window.partitionBy("user")
            .orderBy("position")
            .rowsBetween(ps.Window.unboundedPreceding, ps.Window.currentRow)
        )
        rows = (
            self._frame.join(gains, ["user", "item"], "left")
            .withColumn("hit", F.col("gain").isNotNull().cast("double"))
            .withColumn("hits", F.sum("hit").over(so_far))
        )
        return rows.groupBy("user").agg(
            F.sum(hit).alias("hits"),
            F.max(hit).alias("found"),
            F.max(hit / position).alias("first"),
            F.sum(hit * hits / position).alias("precisions"),
            F.sum(F.coalesce("gain", F.lit(0.0)) / F.log2(position + 1)).alias("gained"),
            F.sum((1 - hit) * hits).alias("in_order"),
            F.sum(1 - hit).alias("misses"),
        )

    def popularity(self, train: Any) -> _Popularity:
        frame = _pairs_frame(train, self.asked, "train", None, like=self._kinds)
        facts = _checked_facts(frame, self.asked, "train", "")
        counts = (
            frame.select("user", "item").distinct().groupBy("item").agg(F.count("*").alias("count"))
        )
        return _Popularity(counts, int(facts["n_users"]), int(facts["n_items"]))

    def novelty(self, popularity: _Popularity) -> float:
        bits = F.log2(popularity.n_users / F.col("count"))
        by_user = (
            self._frame.join(popularity.counts, "item", "left")
            .groupBy("user")
            .agg(F.avg(bits).alias("bits"), F.count_if(F.isnull("count")).alias("unknown"))
        )
        row = by_user.agg(F.avg("bits"), F.sum("unknown")).first()
        assert row is not None
        _check_known(int(row[1] or 0))
        return float("nan") if row[0] is None else float(row[0])

    def _n_listed(self) -> int:
        row = self._frame.agg(F.count_distinct("item")).first()
        assert row is not None
        return int(row[0])


def _ideals(gains: ps.DataFrame, asked: _Asked) -> ps.DataFrame:
    """Sum up, by user, what the best list possible has."""
    place, k = F.col("place"), asked.k
    window = ps.Window.partitionBy("user").orderBy(F.desc("gain"))
    best = F.when(place <= k, F.col("gain") / F.log2(place + 1)).otherwise(0.0)
    return (
        gains.withColumn("place", F.row_number().over(window))
        .groupBy("user")
        .agg(
            F.sum(best).alias("ideal"),
            F.count("*").cast("double").alias("n_relevant"),
            F.count_if(place <= k).alias("n_ideal"),
        )
    )


def _pairs_frame(
    frame: ps.DataFrame,
    asked: _Asked,
    source: str,
    value: str | None,
    *,
    like: T.StructType | None = None,
) -> ps.DataFrame:
    """Return users and items, with a value each; 1 where no column is named."""
    names = {"user": asked.user_col, "item": asked.item_col}
    for key, name in names.items():
        _check_column(frame.columns, name, f"{key}_col", source)
        text = _is_text(frame.schema[name].dataType, name, source)
        if like is not None and text != isinstance(like[key].dataType, T.StringType):
            _refuse_kinds(name, source, text, "recommended", not text)
    number = F.lit(1.0)
    if value is not None:
        _check_column(frame.columns, value, "gain_col", source)
        kind = frame.schema[value].dataType
        if not isinstance(kind, T.NumericType | T.BooleanType):
            raise TypeError(
                f"{source}: column {value!r} must hold numbers, not {kind.simpleString()}"
            )
        number = _column(value).cast("double")
    return frame.select(
        *(_column(name).alias(key) for key, name in names.items()), number.alias("value")
    )


def _column(name: str) -> ps.Column:
    # Quoted, for a name may hold a dot.
    return F.col("`" + name.replace("`", "``") + "`")


def _is_text(kind: T.DataType, name: str, source: str) -> bool:
    if isinstance(kind, T.StringType):
        return True
    if isinstance(kind, T.IntegralType):
        return False
    raise TypeError(
        f"{source}: column {name!r} must hold integer or text ids, not {kind.simpleString()}; "
        "cast it to bigint or string"
    )


def _checked_facts(frame: ps.DataFrame, asked: _Asked, source: str, value: str) -> ps.Row:
    """Count what there is, and refuse what is malformed."""
    number = F.nanvl("value", F.lit(None).cast("double"))
    pairs = frame.groupBy("user", "item").agg(
        F.count("*").alias("times"),
        F.min(number).alias("lowest"),
        F.max(number).alias("highest"),
        F.count_if(number.isNull()).alias("nulls"),
    )
    facts = pairs.agg(
        F.sum(F.when(F.isnull("user"), F.col("times"))).alias("null_users"),
        F.sum(F.when(F.isnull("item"), F.col("times"))).alias("null_items"),
        F.sum("nulls").alias("nulls"),
        F.min("lowest").alias("lowest"),
        F.max("highest").alias("highest"),
        F.max_by(F.struct("user", "item", "times"), "times").alias("most"),
        F.count_distinct(F.when(F.col("highest") > 0, F.col("user"))).alias("n_users"),
        F.count_distinct("item").alias("n_items"),
    ).first()
    assert facts is not None
    for name, nulls in ((asked.user_col, "null_users"), (asked.item_col, "null_items")):
        if facts[nulls]:
            raise ValueError(
                f"{source}: column {name!r} has {facts[nulls]} null ids; drop or fill them"
            )
    _check_values(value, source, facts["nulls"] or 0)
    if source == "relevant" and facts["lowest"] is not None:
        _check_gains(facts["lowest"], facts["highest"], asked)
    if source != "train" and facts["most"] is not None:
        _check_unique(source, facts["most"]["times"], facts["most"]["user"], facts["most"]["item"])
    return facts
