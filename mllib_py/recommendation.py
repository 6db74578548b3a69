"""Recommendation: alternating least squares, in four ways to move the data."""

from __future__ import annotations

import contextlib
import os
import uuid
import warnings
from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mllib_py import _arrays, _bridge, _contributions, _fits, _plan, data
from mllib_py._columns import asked_ids
from mllib_py._factor_model import FactorModel
from mllib_py._files import uri_of
from mllib_py._progress import wanted

__all__ = ["ALS", "load"]


class ALS(FactorModel):
    """Matrix factorisation by alternating least squares.

    Finds factors x of users and y of items whose products x.y come close to the ratings. With n the
    number of ratings of a user or an item, and w the weight of a rating (1 without `weight_col`),
    it minimises, for explicit ratings r,

        sum over ratings of w * (r - x.y)^2  +  reg * (sum of n_u |x_u|^2 + sum of n_i |y_i|^2)

    [1]_, and for implicit feedback, with confidence c = 1 + w * alpha * abs(r) and preference p = 1
    where r > 0, else 0 (r = 0 for a pair that was never seen),

        sum over all pairs of c * (p - x.y)^2  +  reg * (sum of n_u |x_u|^2 + sum of n_i |y_i|^2)

    [2]_, where n counts ratings above 0. With `unobserved_weight` the term of an observed pair is
    w * (p - x.y)^2; with ``method="gibbs"`` a rating's precision is multiplied by w. A rating of
    weight 0 has no such term, but is a rating: n counts it, and it has been seen. Users and items
    are solved in turn, no row for the worse, so the objective never rises (to rounding in float32).

    The same data, parameters and `random_state` give the same factors from all strategies, whatever
    `num_blocks`, and whatever the order or the partitions of the input; with ``strategy="hybrid"``
    to rounding in float32, for it adds up in an order that depends on `num_blocks`.

    Parameters
    ----------
    rank : int, default=10
        Number of factors.
    method : {"als", "gibbs"}, default="als"
        "als" minimises; "gibbs" samples the posterior of Bayesian matrix factorisation [6]_
        (explicit ratings, with biases) and predicts by its mean.
    n_samples : int, default=16
        Samples kept by ``method="gibbs"``; the model is so many times wider.
    burn_in : int, default=16
        Sweeps of ``method="gibbs"`` before the first sample.
    thin : int, default=4
        Sweeps of ``method="gibbs"`` to a sample; `max_iter` and `reg` are not used.
    noise_precision : float or None, default=None
        With ``method="gibbs"``, 1 over the variance of a rating around its prediction. None:
        sampled too.
    max_iter : int, default=10
        Number of iterations at most; an iteration solves the users and then the items.
    reg : float, default=0.1
        Regularisation, weighted by the number of ratings of the row (ALS-WR).
    strategy : {"auto", "broadcast", "data-parallel", "blocked", "hybrid"}, default="auto"
        How ratings and factors move; all give the same factors ("hybrid" to rounding). "auto" takes
        the cheapest that fits, see `explain`. "hybrid" is for one large side and a small one; it
        takes `solver` "auto" or "cholesky", or `nonnegative`.
    solver : {"auto", "cholesky", "cg", "ials++"}, default="auto"
        How a row is solved: "cholesky" exactly, "cg" by some steps of conjugate gradients from its
        last factors [3]_, "ials++" by a sweep over blocks of its factors [4]_; "auto" is
        "cholesky", but "cg" for rows of a rank from 96 up where that is estimated to be
        cheaper. With `nonnegative`, coordinate descent, whichever is named.
    cg_steps : int, default=3
        Steps of conjugate gradients for each row and half-step that they solve.
    block_size : int, default=64
        Factors in a block of ``solver="ials++"``, rounded up to a multiple of 16.
    implicit : bool, default=False
        Treat ratings as confidence in a preference (clicks, plays) and not as scores.
    alpha : float, default=1.0
        Implicit only: the confidence of a rating r is 1 + alpha * |r|.
    unobserved_weight : float or None, default=None
        Implicit only: each observed pair counts with weight 1 and, beside it, every pair with this
        weight and target 0 [5]_; `alpha` is then not used. None: Hu, Koren and Volinsky's objective
        [2]_. For ratings of 1, weight w is alpha = 1/w with `reg` divided by w.
    reg_exponent : float, default=1.0
        The ridge of a row with n ratings is reg * (n + reg_unobserved * m) ** reg_exponent, with m
        the size of the other side [5]_.
    reg_unobserved : float, default=0.0
        See `reg_exponent`; the source takes `unobserved_weight`.
    biases : bool, default=False
        Learn a bias of each user and item too; explicit ratings are centred by their mean.
    init_scale : float, default=1.0
        Length of the initial factors of a row.
    nonnegative : bool, default=False
        Constrain all factors to be at least 0.
    num_blocks : int or None, default=None
        Number of blocks for each side. None: as many as the cluster has cores, several times as
        many where they would have over four million ratings, fewer for little data. The factors do
        not depend on it.
    tol : float or None, default=None
        Stop when an iteration lowers the objective by less than this share of it. None: run all
        iterations.
    patience : int or None, default=None
        With `validation` ratings (see `fit`): stop when so many iterations have not improved on the
        best, and take the best iteration's factors, however the fit ends. None: do not stop for
        them, and take the last.
    duplicates : {"error", "sum", "mean", "last"}, default="error"
        Where a (user, item) pair repeats: refuse, add up (the sensible one for implicit events),
        average, or keep the last (by time if there are timestamps, else by input order). Of
        weights: what is added up gets the mean of the weights, each counted by the size of its
        rating; an average is by the weights, and gets their mean; the last keeps its own.
    cold_start : {"nan", "mean", "popular", "drop", "error"}, default="nan"
        For a user or item that was not in the training data: "nan" predicts NaN (`score` leaves
        such pairs out); "mean" the mean training rating; "popular" too, and recommends the most
        rated items; "drop" leaves rows out (so `predict` takes a table); "error" refuses.
    user_col : str, default="user"
        Name of the user column.
    item_col : str, default="item"
        Name of the item column.
    rating_col : str, default="rating"
        Name of the rating column.
    weight_col : str or None, default=None
        Name of a column of confidence weights, finite and at least 0, one for each rating. None:
        all weigh 1 (or what `Ratings` with weights say).
    random_state : int, default=0
        Seed of the initial factors: any 64-bit integer.

    Attributes
    ----------
    user_ids_, item_ids_ : ndarray of shape (n_users,), (n_items,)
        Ids in ascending order: int64, or objects where they are texts.
    user_factors_, item_factors_ : ndarray of shape (n_users, rank), (n_items, rank)
        Factors (float32), rows in the order of the ids; fetched when first asked for.
    user_biases_, item_biases_ : ndarray of shape (n_users,), (n_items,)
        With `biases`: float32, in the order of the ids.
    history_ : list of dict
        A half-step each: iteration, side ("user" or "item"), objective, seconds; and, at the end of
        an iteration that was judged by validation ratings, validation.
    n_iter_ : int
        Iterations done, those of `partial_fit` among them.
    stop_reason_ : str
        Why the fit stopped.
    best_iteration_ : int or None
        With validation ratings: the iteration that they say was best.
    strategy_ : str
        The strategy that ran.
    seconds_ : dict
        Seconds by phase: layout, total.
    mean_rating_ : float
        Mean of the training ratings.

    References
    ----------
    .. [1] Zhou, Wilkinson, Schreiber, Pan: Large-scale parallel collaborative filtering for the
       Netflix prize. AAIM 2008.
    .. [2] Hu, Koren, Volinsky: Collaborative filtering for implicit feedback datasets. ICDM 2008.
    .. [3] Takacs, Pilaszy, Tikk: Applications of the conjugate gradient method for implicit
       feedback collaborative filtering. RecSys 2011.
    .. [4] Rendle, Krichene, Zhang, Koren: iALS++: speeding up matrix factorization with subspace
       optimization. 2021.
    .. [5] Rendle, Krichene, Zhang, Koren: Revisiting the performance of iALS on item
       recommendation benchmarks. RecSys 2022.
    .. [6] Salakhutdinov, Mnih: Bayesian probabilistic matrix factorization using Markov chain Monte
       Carlo. ICML 2008.

    Examples
    --------
    >>> import mllib_py
    >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
    >>> als = mllib_py.ALS(rank=2, max_iter=5).fit(ratings)
    >>> als.recommend([1], k=1)["item"].tolist()
    [30]
    """

    def __init__(
        self,
        *,
        rank: int = 10,
        method: str = "als",
        n_samples: int = 16,
        burn_in: int = 16,
        thin: int = 4,
        noise_precision: float | None = None,
        max_iter: int = 10,
        reg: float = 0.1,
        strategy: str = "auto",
        solver: str = "auto",
        cg_steps: int = 3,
        block_size: int = 64,
        implicit: bool = False,
        alpha: float = 1.0,
        unobserved_weight: float | None = None,
        reg_exponent: float = 1.0,
        reg_unobserved: float = 0.0,
        biases: bool = False,
        init_scale: float = 1.0,
        nonnegative: bool = False,
        num_blocks: int | None = None,
        tol: float | None = None,
        patience: int | None = None,
        duplicates: str = "error",
        cold_start: str = "nan",
        user_col: str = "user",
        item_col: str = "item",
        rating_col: str = "rating",
        weight_col: str | None = None,
        random_state: int = 0,
    ) -> None:
        self.rank = rank
        self.method = method
        self.n_samples = n_samples
        self.burn_in = burn_in
        self.thin = thin
        self.noise_precision = noise_precision
        self.max_iter = max_iter
        self.reg = reg
        self.strategy = strategy
        self.solver = solver
        self.cg_steps = cg_steps
        self.block_size = block_size
        self.implicit = implicit
        self.alpha = alpha
        self.unobserved_weight = unobserved_weight
        self.reg_exponent = reg_exponent
        self.reg_unobserved = reg_unobserved
        self.biases = biases
        self.init_scale = init_scale
        self.nonnegative = nonnegative
        self.num_blocks = num_blocks
        self.tol = tol
        self.patience = patience
        self.duplicates = duplicates
        self.cold_start = cold_start
        self.user_col = user_col
        self.item_col = item_col
        self.rating_col = rating_col
        self.weight_col = weight_col
        self.random_state = random_state

    # --- fitting

    def fit(
        self,
        ratings: Any,
        *,
        validation: Any = None,
        init: ALS | None = None,
        callbacks: Iterable[_fits.Callback] | None = None,
        progress: bool | None = None,
    ) -> Self:
        """Learn factors from ratings.

        Parameters
        ----------
        ratings : Ratings, or anything that `mllib_py.ratings` takes
            The training data.
        validation : Ratings, or anything that `mllib_py.ratings` takes, optional
            Ratings to judge each iteration by, which are not learnt from: `history_` has the
            result. Explicit feedback: the root mean square error (with ``method="gibbs"`` of the
            mean of the samples so far, after each that is kept). Implicit feedback: the mean
            NDCG@10 over users of their items rated above 0, of recommendations without what they
            rated in training. Users and items without a training rating are left out. See
            `patience`.
        init : ALS, optional
            A fitted model of the same `rank`, `biases` and kind of ids to start from: rows of ids
            that it knows begin with its factors, others as usual. Not for ``method="gibbs"``.
        callbacks : list of callable, optional
            Each is called after each iteration, in this thread, with a dict: ``iteration``,
            ``objective``, ``seconds`` (of the iteration) and ``validation`` (None where there is
            none). The fit waits for it, an hour at most, and stops, with a model, where one
            returns True.
        progress : bool, optional
            Whether to show a bar. Default: in a terminal or a notebook.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            A parameter is out of range, ratings are NaN or infinite, there are none, or pairs
            repeat and `duplicates` is "error"; a weight is negative or not finite, or `weight_col`
            is set and there are no weights; `init` is not fitted or of another shape, there is
            `patience` without `validation`, or no validation rating is of a known pair.
        TypeError
            The data are of a kind that cannot be ratings, or `init` is no ALS or `callbacks` no
            list of functions.
        KeyboardInterrupt
            The fit was interrupted; it is stopped in the JVM too, and the estimator is as before.
            So it is where a callback raises.

        Examples
        --------
        >>> import mllib_py
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> als = mllib_py.ALS(rank=2, max_iter=5).fit(ratings)
        >>> als.n_iter_, als.item_factors_.shape
        (5, (3, 2))
        >>> als = als.fit(ratings, init=als, callbacks=[lambda at: at["iteration"] == 2])
        >>> als.n_iter_, als.stop_reason_
        (2, 'a callback asked to stop')
        """
        params = _bridge.to_json(self.get_params())
        _bridge.call("check", params)
        told = _fits.checked_callbacks(callbacks)
        start = None if init is None else _start(init)
        judging = contextlib.nullcontext() if validation is None else self._held(validation)
        with self._held(ratings, self.weight_col) as given, judging as judges:
            handle = _bridge.call("fit", given, params, start, judges, bool(told))
            steps = 2 * self._sweeps()
            self._learn(_fits.run(handle, steps, show=wanted(progress), callbacks=told))
        self._warn_of_singular_rows()
        return self

    def partial_fit(self, ratings: Any, *, progress: bool | None = None) -> Self:
        """Go on for one iteration, with new ratings beside those of before.

        An estimator that is not fitted is fitted to the ratings with one iteration. A fitted one
        starts from its factors, and learns from the ratings that it keeps and from these: new users
        and items are added. `max_iter`, `tol` and `patience` are not used.

        Where a pair has been rated before, the new rating replaces the old one with `duplicates`
        "error" or "last"; with "sum" it is added; with "mean" the mean is taken of the kept rating
        (itself one number, whatever it was the mean of) and the new ones. Pairs that repeat within
        `ratings` follow `duplicates` as in `fit`.

        Parameters
        ----------
        ratings : Ratings, or anything that `mllib_py.ratings` takes
            The new ratings.
        progress : bool, optional
            Whether to show a bar. Default: in a terminal or a notebook.

        Returns
        -------
        self
            `n_iter_` and `history_` go on from those before.

        Raises
        ------
        ValueError, TypeError
            As `fit`; and where the model is sampled, keeps no ratings (they have weights, or it was
            saved by an earlier version), or not those of all its rows (it was folded in).

        Examples
        --------
        >>> import mllib_py
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> als = mllib_py.ALS(rank=2, max_iter=5).fit(ratings)
        >>> als = als.partial_fit(([4, 4], [10, 40], [5.0, 2.0]))
        >>> als.n_iter_, als.user_ids_.tolist(), als.item_ids_.tolist()
        (6, [1, 2, 3, 4], [10, 20, 30, 40])
        """
        params = self.get_params()
        _bridge.call("check", _bridge.to_json(params))
        if params["method"] == "gibbs":
            raise ValueError("partial_fit is for method='als'; fit a sampled model again")
        with self._held(ratings, self.weight_col) as given:
            if hasattr(self, "_model"):
                handle = _bridge.call("partialFit", self._model, given, _bridge.to_json(params))
            else:
                handle = _bridge.call("firstFit", given, _bridge.to_json(params))
            self._learn(_fits.run(handle, 2, show=wanted(progress)))
        self._warn_of_singular_rows()
        return self

    @contextlib.contextmanager
    def _held(self, ratings: Any, weight_col: str | None = None) -> Iterator[_bridge.Handle]:
        """Give the JVM's side of ratings, for the time of a call."""
        # What does not ask for weights takes ratings that have them, too.
        four = isinstance(ratings, tuple | list) and len(ratings) == 4
        bare = weight_col is None and four and self.weight_col is not None
        given = self._ratings(ratings[:3] if bare else ratings, weight_col)
        try:
            yield given._handle
        finally:
            if given is not ratings:
                given.release()

    def _sweeps(self) -> int:
        if self.method == "gibbs":
            return self.burn_in + self.n_samples * self.thin
        return self.max_iter

    def _ratings(self, ratings: Any, weight_col: str | None = None) -> data.Ratings:
        return data.ratings(
            ratings,
            user_col=self.user_col,
            item_col=self.item_col,
            rating_col=self.rating_col,
            weight_col=weight_col,
        )

    def _warn_of_singular_rows(self) -> None:
        n = self._info.get("n_singular", 0)
        if n:
            warnings.warn(
                f"{n} rows had a singular system in the last iteration, so that many factors would "
                "do for them; raise reg or lower rank",
                stacklevel=3,
            )

    def _learn(self, model: _bridge.Handle) -> None:
        """Take over a model that was trained or loaded."""
        self._model = model
        self._arrays = {}
        info = _bridge.ask("modelInfo", model)
        self._info = info
        self.history_: list[dict[str, Any]] = info["history"]
        self.n_iter_: int = info["n_iter"]
        self.stop_reason_: str = info["stop_reason"]
        self.strategy_: str = info["strategy"]
        self.seconds_: dict[str, float] = info["seconds"]
        self.mean_rating_: float = info["mean_rating"]
        self.best_iteration_: int | None = info.get("best_iteration")

    def explain(self, ratings: Any, *, cluster: dict[str, Any] | None = None) -> dict[str, Any]:
        """Estimate what each strategy would cost, print it, and say which one is taken and why.

        Parameters
        ----------
        ratings : Ratings, or anything that `mllib_py.ratings` takes
            The data to plan for.
        cluster : dict, optional
            A cluster to pretend: ``executors``, ``cores`` (of each), ``memory`` (bytes that an
            executor can spend on data), ``driver_memory`` (bytes), ``bandwidth`` (bytes per second
            of a link). What is missing is taken from the running one.

        Returns
        -------
        dict
            ``shape``, ``cluster``, ``strategies`` (a list of estimates: seconds, and bytes by
            layout, iteration, executor and driver), ``chosen`` and ``reason``.

        Raises
        ------
        ValueError
            A parameter, or a fact of `cluster`, is out of range or unknown.
        TypeError
            `cluster` is no dict, or the data are of a kind that cannot be ratings.

        Examples
        --------
        >>> import mllib_py
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> plan = mllib_py.ALS(rank=2).explain(ratings)  # doctest: +ELLIPSIS
        3 users x 3 items, 5 ratings, rank 2, 10 iterations; ...
        >>> plan["shape"]["ratings"]
        5
        """
        params = _bridge.to_json(self.get_params())
        _bridge.call("check", params)
        pretended = _plan.checked_cluster(cluster or {})
        with self._held(ratings, self.weight_col) as given:
            plan: dict[str, Any] = _bridge.ask("explain", given, params, pretended)
        print(_plan.table(plan))
        return plan

    # --- using the model (the rest is FactorModel's)

    def score(self, ratings: Any) -> float:
        """Return the root mean square error on ratings; their weights do not count.

        Parameters
        ----------
        ratings : Ratings, or anything that `mllib_py.ratings` takes
            With `cold_start` "nan", pairs of a user or an item that was not in the training data
            are left out, and a warning says how many; with "drop" they are left out silently.

        Returns
        -------
        float
            Lower is better. (scikit-learn's convention is the other way round.)

        Raises
        ------
        ValueError
            The estimator is not fitted, no pair is known to it, or `cold_start` is "error" and one
            is not.

        Examples
        --------
        >>> import mllib_py
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> als = mllib_py.ALS(rank=2, reg=0.01).fit(ratings)
        >>> als.score(ratings) < 0.1
        True
        """
        model = self._fitted()
        with self._held(ratings) as given:
            answer = _bridge.ask("score", model, given)
        if answer["unknown"] and self._cold_start != "drop":
            warnings.warn(
                f"{answer['unknown']} ratings of unknown users or items were left out",
                stacklevel=2,
            )
        return float(answer["rmse"])

    def fold_in(self, ratings: Any, *, side: str = "user") -> ALS:
        """Learn factors of new users, or new items, without a refit.

        Each row is solved exactly against the other side's factors, as in a half-step, all rows at
        once on the cluster; the other side stays as it is.

        Parameters
        ----------
        ratings : Ratings, or anything that `mllib_py.ratings` takes
            All ratings of the rows to learn, with weights if `weight_col` is set. Those of an
            unknown row of the other side are left out.
        side : {"user", "item"}, default="user"
            Whose rows are learnt.

        Returns
        -------
        ALS
            A model that knows the new rows alone on that side: recommend from it, or save it.

        Raises
        ------
        ValueError
            The estimator is not fitted or sampled, `side` is another, no rating is of a known row
            of the other side, or pairs repeat and `duplicates` is "error".

        Examples
        --------
        >>> import mllib_py
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> als = mllib_py.ALS(rank=2).fit(ratings)
        >>> new = als.fold_in(([77, 77], [10, 20], [5.0, 1.0]))
        >>> new.recommend([77], k=1)["item"].tolist()
        [30]
        """
        if side not in ("user", "item"):
            raise ValueError(f"side must be 'user' or 'item', not {side!r}")
        model = self._fitted()
        with self._held(ratings, self.weight_col) as given:
            folded = _bridge.call("foldIn", model, given, side)
        out = type(self)(**self.get_params())
        out._learn(folded)
        return out

    def explain_recommendation(self, user: Any, item: Any, k: int | None = None) -> pd.DataFrame:
        """Tell which of a user's ratings speak for an item, and how much.

        With the user solved once more against the items' factors, as by `fold_in`, the score of an
        item is a sum over the items that the user rated [2]_, section 5: with the user's equations
        A x = sum of t_j y_j, rating j adds y_i^T A^-1 y_j t_j to the score of item i.

        Parameters
        ----------
        user, item : int or str
            The ids.
        k : int, optional
            Ratings at most. Default: all of the user's.

        Returns
        -------
        pandas.DataFrame
            Columns: the item and the rating (named as `item_col` and `rating_col` say), and
            ``contribution``, largest first. Its ``attrs`` have ``score``: all contributions (also
            of rows that `k` left out) and ``parts``; ``parts``: with `biases` what is no rating's,
            a dict of ``mean`` (explicit), ``item_bias`` and ``unobserved`` (implicit: what pairs
            without a rating take off), else empty; and ``predicted``: what `predict` gives, which
            differs from ``score`` by how far the user would move in one more half-step.

        Raises
        ------
        ValueError
            The estimator is not fitted, the user or the item was not in the training data, `k` is
            below 1, the model keeps no ratings (they have weights, or it was saved by an earlier
            version), or it is sampled or nonnegative: then a score is no sum over ratings.
        TypeError
            An id is not of the training data's kind (integers or texts).

        Examples
        --------
        >>> import mllib_py
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> als = mllib_py.ALS(rank=2, max_iter=5).fit(ratings)
        >>> why = als.explain_recommendation(1, 30)
        >>> why["item"].tolist(), why["rating"].tolist()
        ([10, 20], [5.0, 1.0])
        >>> bool(abs(why["contribution"].sum() - why.attrs["score"]) < 1e-6)
        True
        """
        model = self._fitted()
        params = self._info["params"]
        if params["method"] == "gibbs" or params["nonnegative"]:
            kind = "sampled" if params["method"] == "gibbs" else "nonnegative"
            raise ValueError(f"a {kind} model's scores are no sum over ratings to explain")
        if k is not None and (not isinstance(k, int | np.integer) or isinstance(k, bool) or k < 1):
            raise ValueError(f"k must be an integer of at least 1, or None, not {k!r}")
        place, rows, values = self._rated(model, user, item)
        factors = self._array_of("item", "factors")
        each, parts = _contributions.contributions(
            params,
            self.mean_rating_,
            factors[rows],
            values,
            factors[place],
            self._item_gramian() if params["implicit"] else None,
            len(factors),
        )
        best = np.argsort(-each, kind="stable")[:k]
        out = pd.DataFrame(
            {
                self.item_col: self._array_of("item", "ids")[rows[best]],
                self.rating_col: values[best],
                "contribution": each[best],
            }
        )
        out.attrs["score"] = float(each.sum() + sum(parts.values()))
        out.attrs["parts"] = parts
        out.attrs["predicted"] = float(np.asarray(self.predict([user], [item]))[0])
        return out

    def _rated(
        self, model: _bridge.Handle, user: Any, item: Any
    ) -> tuple[int, NDArray[np.int32], NDArray[np.float32]]:
        """Return an item's row, and the rows of a user's items with his ratings of them."""
        arrays: list[NDArray[Any]] = []
        for one, side in ((user, "user"), (item, "item")):
            if not np.isscalar(one) and not isinstance(one, uuid.UUID):
                raise TypeError(f"{side} must be one id, not {type(one).__name__}")
            ids: Any = [one]
            arrays += asked_ids(ids, f"{side}s", self._info[f"{side}s"])[0]
        # A user has rated each item once at most.
        size = sum(a.nbytes for a in arrays) + 8 * self._info["n_items"]
        with _arrays.shared_file(size) as path:
            _arrays.write_arrays(path, arrays)
            out = path.with_name(path.name + ".out")
            place = _bridge.call("rated", model, str(path), str(out))
            rows = np.fromfile(f"{out}.items", dtype=np.int32)
            return place, rows, np.fromfile(f"{out}.values", dtype=np.float32)

    def _item_gramian(self) -> NDArray[Any]:
        if ("item", "gramian") not in self._arrays:
            found = _contributions.gramian(self._array_of("item", "factors"))
            self._arrays["item", "gramian"] = found
        return self._arrays["item", "gramian"]

    # --- keeping the model

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Save the model as a folder of JSON and NPY files with checksums.

        Parameters
        ----------
        path : str or path
            Local, or of any file system that Hadoop knows (``hdfs://``). The folder appears whole
            or not at all.
        overwrite : bool, default=False
            Whether to replace what is there.

        Raises
        ------
        ValueError
            Something is there already, or (with `overwrite`) something that is no model.

        Examples
        --------
        >>> import mllib_py, tempfile
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> als = mllib_py.ALS(rank=2).fit(ratings)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     als.save(f"{folder}/model")
        ...     again = mllib_py.load(f"{folder}/model")
        >>> bool((again.item_factors_ == als.item_factors_).all())
        True
        """
        _bridge.call("save", self._fitted(), uri_of(path), bool(overwrite))

    def __getstate__(self) -> dict[str, Any]:
        """Let an unfitted estimator be copied; a fitted one is saved."""
        if hasattr(self, "_model"):
            raise TypeError("a fitted ALS holds a model in the JVM; use save and mllib_py.load")
        return dict(self.__dict__)


def load(path: str | os.PathLike[str]) -> ALS:
    """Load a model that `ALS.save` wrote.

    Parameters
    ----------
    path : str or path
        The folder, local or of any file system that Hadoop knows.

    Returns
    -------
    ALS
        Fitted. Loading runs no code from the files.

    Raises
    ------
    ValueError
        There is no model, it is of another format version, or a file is truncated or altered.

    Examples
    --------
    >>> import mllib_py
    >>> mllib_py.load("/no/such/model")
    Traceback (most recent call last):
    ValueError: there is no model at /no/such/model
    """
    model = _bridge.call("load", uri_of(path))
    als = ALS(**_bridge.ask("modelInfo", model)["params"])
    als._learn(model)
    return als


def _start(init: Any) -> _bridge.Handle:
    """Return the model that a fit goes on from."""
    if not isinstance(init, ALS):
        raise TypeError(f"init must be a fitted ALS, not {type(init).__name__}")
    if not hasattr(init, "_model"):
        raise ValueError("init is not fitted yet; call its fit first")
    return init._model
