"""Recommendation: alternating least squares, in three ways to move the data."""

from __future__ import annotations

import json
import os
import warnings
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mllib_py import _arrays, _bridge, _plan, data
from mllib_py._columns import as_array, asked_ids
from mllib_py._estimator import Estimator
from mllib_py._files import uri_of
from mllib_py._progress import Bar, wanted

__all__ = ["ALS", "load"]


class ALS(Estimator):
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
    are solved in turn, each row exactly, so the objective never rises (to rounding in float32).

    The same data, parameters and `random_state` give the same factors from all strategies, whatever
    `num_blocks`, and whatever the order or the partitions of the input.

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
    strategy : {"auto", "broadcast", "data-parallel", "blocked"}, default="auto"
        How ratings and factors move; all give the same factors. "auto" takes the cheapest that
        fits, see `explain`.
    solver : {"auto", "cholesky", "cg", "ials++"}, default="auto"
        How a row is solved: "cholesky" exactly, "cg" by some steps of conjugate gradients from its
        last factors [3]_, "ials++" by a sweep over blocks of its factors [4]_; "auto" is
        "cholesky". With `nonnegative`, coordinate descent, whichever is named.
    cg_steps : int, default=3
        Steps of ``solver="cg"`` for each row and half-step.
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
        Number of blocks for each side. None: as many as the cluster has cores, fewer for little
        data. The factors do not depend on it.
    tol : float or None, default=None
        Stop when an iteration lowers the objective by less than this share of it. None: run all
        iterations.
    duplicates : {"error", "sum", "mean", "last"}, default="error"
        Where a (user, item) pair repeats: refuse, add up (the sensible one for implicit events),
        average, or keep the last (by time if there are timestamps, else by input order). Of
        weights: what is added up gets the mean of the weights, each counted by the size of its
        rating; an average is by the weights, and gets their mean; the last keeps its own.
    cold_start : {"nan", "mean", "error"}, default="nan"
        Prediction for a user or item that was not in the training data: NaN (`score` leaves such
        pairs out), the mean training rating, or an error.
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
        A half-step each: iteration, side ("user" or "item"), objective, seconds.
    n_iter_ : int
        Iterations done.
    stop_reason_ : str
        Why the fit stopped.
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
        self.duplicates = duplicates
        self.cold_start = cold_start
        self.user_col = user_col
        self.item_col = item_col
        self.rating_col = rating_col
        self.weight_col = weight_col
        self.random_state = random_state

    # --- fitting

    def fit(self, ratings: Any, *, progress: bool | None = None) -> Self:
        """Learn factors from ratings.

        Parameters
        ----------
        ratings : Ratings, or anything that `mllib_py.ratings` takes
            The training data.
        progress : bool, optional
            Whether to show a bar. Default: in a terminal or a notebook.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            A parameter is out of range, ratings are NaN or infinite, there are none, pairs repeat
            and `duplicates` is "error", a weight is negative or not finite, or `weight_col` is set
            and there are no weights.
        TypeError
            The data are of a kind that cannot be ratings.
        KeyboardInterrupt
            The fit was interrupted; it is stopped in the JVM too, and the estimator is as before.

        Examples
        --------
        >>> import mllib_py
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> als = mllib_py.ALS(rank=2, max_iter=5).fit(ratings)
        >>> als.n_iter_, als.item_factors_.shape
        (5, (3, 2))
        """
        params = _bridge.to_json(self.get_params())
        _bridge.call("check", params)
        given = self._ratings(ratings, self.weight_col)
        try:
            handle = _bridge.call("fit", given._handle, params)
            self._learn(_run(handle, 2 * self._sweeps(), show=wanted(progress)))
        finally:
            if given is not ratings:
                given.release()
        return self

    def _sweeps(self) -> int:
        if self.method == "gibbs":
            return self.burn_in + self.n_samples * self.thin
        return self.max_iter

    def _unweighted(self, ratings: Any) -> data.Ratings:
        """Return ratings for what does not ask for weights: they may be there, or not."""
        four = isinstance(ratings, tuple | list) and len(ratings) == 4
        return self._ratings(ratings[:3] if four and self.weight_col is not None else ratings)

    def _ratings(self, ratings: Any, weight_col: str | None = None) -> data.Ratings:
        return data.ratings(
            ratings,
            user_col=self.user_col,
            item_col=self.item_col,
            rating_col=self.rating_col,
            weight_col=weight_col,
        )

    def _learn(self, model: _bridge.Handle) -> None:
        """Take over a model that was trained or loaded."""
        self._model = model
        self._arrays: dict[tuple[str, str], NDArray[Any]] = {}
        info = _bridge.ask("modelInfo", model)
        self._info = info
        self.history_: list[dict[str, Any]] = info["history"]
        self.n_iter_: int = info["n_iter"]
        self.stop_reason_: str = info["stop_reason"]
        self.strategy_: str = info["strategy"]
        self.seconds_: dict[str, float] = info["seconds"]
        self.mean_rating_: float = info["mean_rating"]

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
        given = self._unweighted(ratings)
        try:
            plan: dict[str, Any] = _bridge.ask("explain", given._handle, params, pretended)
        finally:
            if given is not ratings:
                given.release()
        print(_plan.table(plan))
        return plan

    # --- using the model

    def _fitted(self) -> _bridge.Handle:
        if not hasattr(self, "_model"):
            raise ValueError("this ALS is not fitted yet; call fit first")
        return self._model

    def predict(
        self, users: ArrayLike, items: ArrayLike, *, return_std: bool = False
    ) -> NDArray[np.float32] | tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Predict the ratings of pairs.

        Parameters
        ----------
        users, items : array-like of shape (n,)
            Ids of the pairs. Here and elsewhere a `uuid.UUID` stands for its text.
        return_std : bool, default=False
            With ``method="gibbs"``: give the standard deviation of each prediction over the samples
            too, which is what the model does not know; ratings scatter more, by their noise.

        Returns
        -------
        ndarray of shape (n,), float32, or two of them
            What an unknown user or item gets is `cold_start`'s to say; its deviation is NaN.

        Raises
        ------
        ValueError
            The estimator is not fitted, `users` and `items` differ in length, `cold_start` is
            "error" and one is unknown, or `return_std` is asked of a model without samples.
        TypeError
            Ids are not of the training data's kind (integers or texts).

        Examples
        --------
        >>> import mllib_py
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> als = mllib_py.ALS(rank=2, reg=0.01).fit(ratings)
        >>> als.predict([1, 2, 99], [10, 10, 10]).round().tolist()
        [5.0, 4.0, nan]
        """
        model = self._fitted()
        if return_std and self._samples() == 1:
            raise ValueError("return_std needs samples; fit with method='gibbs', n_samples above 1")
        user_arrays, n, text_users = asked_ids(users, "users", self._info["users"])
        item_arrays, m, text_items = asked_ids(items, "items", self._info["items"])
        if n != m:
            raise ValueError(f"users and items differ in length: {n} and {m}")
        scores = np.empty(0, dtype=np.float32)
        if n > 0:
            arrays = user_arrays + item_arrays
            with _arrays.shared_file(sum(a.nbytes for a in arrays) + 4 * n) as path:
                _arrays.write_arrays(path, arrays)
                out = path.with_name(path.name + ".out")
                _bridge.call("predict", model, str(path), n, text_users, text_items, str(out))
                scores = np.fromfile(out, dtype=np.float32)
        return (scores, self._deviations(users, items)) if return_std else scores

    def _samples(self) -> int:
        params = self._info["params"]
        return int(params["n_samples"]) if params["method"] == "gibbs" else 1

    def _deviations(self, users: ArrayLike, items: ArrayLike) -> NDArray[np.float32]:
        """Return the standard deviation over the samples of each pair's product."""
        u, i = (
            pd.Index(self._array_of(side, "ids")).get_indexer(np.atleast_1d(as_array(ids)))
            for side, ids in (("user", users), ("item", items))
        )
        count, each = self._samples(), self._rank() + 2
        out = np.full(len(u), np.nan, dtype=np.float32)
        known = np.flatnonzero((u >= 0) & (i >= 0))
        for part in np.array_split(known, len(known) // 10_000 + 1):
            x, y = (
                self._array_of(side, "factors")[rows[part]].reshape(len(part), count, each)
                for side, rows in (("user", u), ("item", i))
            )
            # Each side is scaled by 1 / sqrt(count), so a product is a sample's over the count.
            out[part] = (np.einsum("nsk,nsk->ns", x, y) * count).std(axis=1, ddof=1)
        return out

    def recommend(
        self,
        users: ArrayLike | None = None,
        k: int = 10,
        exclude_seen: bool = True,
        *,
        allow: ArrayLike | None = None,
        deny: ArrayLike | None = None,
    ) -> pd.DataFrame:
        """Recommend items to users.

        Parameters
        ----------
        users : array-like of shape (n,), or one id, optional
            Ids of the users. Default: all of them.
        k : int, default=10
            Items for each user at most.
        exclude_seen : bool, default=True
            Leave out what a user rated in the training data.
        allow, deny : array-like of ids, optional
            Items to choose from, and items to leave out, for all of these users. Ids that the model
            does not know count for nothing.

        Returns
        -------
        pandas.DataFrame
            Columns: the user, the item (named as `user_col` and `item_col` say), ``score`` and
            ``rank`` (from 1), best first, users in the order given. A user unknown to the model has
            no rows, and a warning says so.

        Raises
        ------
        ValueError
            The estimator is not fitted, `k` is below 1, or `cold_start` is "error" and a user is
            unknown.
        TypeError
            Ids are not of the training data's kind (integers or texts).

        Examples
        --------
        >>> import mllib_py
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> als = mllib_py.ALS(rank=2).fit(ratings)
        >>> als.recommend([3, 1], k=2)[["user", "item", "rank"]].to_numpy().tolist()
        [[3, 10, 1], [3, 30, 2], [1, 30, 1]]
        >>> als.recommend([3], deny=[10])["item"].tolist()
        [30]
        """
        return self._best("items", users, k, exclude_seen, allow, deny)

    def recommend_users(
        self,
        items: ArrayLike | None = None,
        k: int = 10,
        exclude_seen: bool = True,
        *,
        allow: ArrayLike | None = None,
        deny: ArrayLike | None = None,
    ) -> pd.DataFrame:
        """Find the users to whom to recommend items.

        Parameters
        ----------
        items : array-like of shape (n,), or one id, optional
            Ids of the items. Default: all of them.
        k : int, default=10
            Users for each item at most.
        exclude_seen : bool, default=True
            Leave out who rated the item in the training data.
        allow, deny : array-like of ids, optional
            Users to choose from, and users to leave out.

        Returns
        -------
        pandas.DataFrame
            As of `recommend`, with the item first.

        Raises
        ------
        ValueError, TypeError
            As `recommend`.

        Examples
        --------
        >>> import mllib_py
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> als = mllib_py.ALS(rank=2).fit(ratings)
        >>> als.recommend_users([30], k=2)["user"].tolist()
        [1, 3]
        """
        return self._best("users", items, k, exclude_seen, allow, deny)

    def similar_items(
        self,
        items: ArrayLike | None = None,
        k: int = 10,
        *,
        allow: ArrayLike | None = None,
        deny: ArrayLike | None = None,
    ) -> pd.DataFrame:
        """Find items that are like others, by the cosine of their factors (without biases).

        Parameters
        ----------
        items : array-like of shape (n,), or one id, optional
            Ids of the items. Default: all of them.
        k : int, default=10
            Similar items for each at most; an item is not similar to itself.
        allow, deny : array-like of ids, optional
            Items to choose from, and items to leave out.

        Returns
        -------
        pandas.DataFrame
            Columns: the item (named as `item_col` says), ``similar``, ``score`` (the cosine) and
            ``rank``.

        Raises
        ------
        ValueError, TypeError
            As `recommend`.

        Examples
        --------
        >>> import mllib_py
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> als = mllib_py.ALS(rank=2).fit(ratings)
        >>> als.similar_items([10], k=1)[["item", "rank"]].to_numpy().tolist()
        [[10, 1]]
        """
        return self._best("similar items", items, k, True, allow, deny)

    def similar_users(
        self,
        users: ArrayLike | None = None,
        k: int = 10,
        *,
        allow: ArrayLike | None = None,
        deny: ArrayLike | None = None,
    ) -> pd.DataFrame:
        """Find users who are like others, by the cosine of their factors (without biases).

        Parameters
        ----------
        users : array-like of shape (n,), or one id, optional
            Ids of the users. Default: all of them.
        k : int, default=10
            Similar users for each at most.
        allow, deny : array-like of ids, optional
            Users to choose from, and users to leave out.

        Returns
        -------
        pandas.DataFrame
            As of `similar_items`, with the user first.

        Raises
        ------
        ValueError, TypeError
            As `recommend`.

        Examples
        --------
        >>> import mllib_py
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> als = mllib_py.ALS(rank=2).fit(ratings)
        >>> als.similar_users([1], k=1)[["user", "rank"]].to_numpy().tolist()
        [[1, 1]]
        """
        return self._best("similar users", users, k, True, allow, deny)

    def _best(
        self,
        kind: str,
        ids: ArrayLike | None,
        k: int,
        exclude_seen: bool,
        allow: ArrayLike | None,
        deny: ArrayLike | None,
    ) -> pd.DataFrame:
        model = self._fitted()
        if not isinstance(k, int | np.integer) or isinstance(k, bool) or k < 1:
            raise ValueError(f"k must be an integer of at least 1, not {k!r}")
        asker = "user" if kind in ("items", "similar users") else "item"
        found = "item" if kind in ("items", "similar items") else "user"
        asked = self._array_of(asker, "ids") if ids is None else np.atleast_1d(as_array(ids))
        meta: dict[str, Any] = {"kind": kind, "n": -1, "exclude_seen": bool(exclude_seen)}
        meta["k"] = min(int(k), self._info[f"n_{found}s"])
        arrays: list[NDArray[Any]] = []
        if ids is not None:
            arrays, meta["n"], _ = asked_ids(asked, f"{asker}s", self._info[f"{asker}s"])
        for name, chosen in (("allow", allow), ("deny", deny)):
            if chosen is not None:
                more, meta[name], _ = asked_ids(chosen, name, self._info[f"{found}s"])
                arrays = arrays + more
        size = sum(a.nbytes for a in arrays) + len(asked) * (8 * meta["k"] + 4)
        with _arrays.shared_file(size) as path:
            _arrays.write_arrays(path, arrays)
            out = path.with_name(path.name + ".out")
            unknown = _bridge.call("recommend", model, str(path), json.dumps(meta), str(out))
            start, rows, scores = (
                np.fromfile(f"{out}.{part}", dtype=dtype)
                for part, dtype in (
                    ("start", np.int32),
                    ("items", np.int32),
                    ("scores", np.float32),
                )
            )
        if unknown:
            warnings.warn(
                f"{unknown} of the {asker}s were not in the training data; they get no {found}s",
                stacklevel=3,
            )
        counts = np.diff(start)
        names = {"user": self.user_col, "item": self.item_col}
        return pd.DataFrame(
            {
                names[asker]: np.repeat(asked, counts),
                "similar" if asker == found else names[found]: self._array_of(found, "ids")[rows],
                "score": scores,
                "rank": np.arange(len(rows)) - np.repeat(start[:-1], counts) + 1,
            }
        )

    def score(self, ratings: Any) -> float:
        """Return the root mean square error on ratings; their weights do not count.

        Parameters
        ----------
        ratings : Ratings, or anything that `mllib_py.ratings` takes
            With `cold_start` "nan", pairs of a user or an item that was not in the training data
            are left out, and a warning says how many.

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
        given = self._unweighted(ratings)
        try:
            answer = _bridge.ask("score", model, given._handle)
        finally:
            if given is not ratings:
                given.release()
        if answer["unknown"]:
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
        given = self._ratings(ratings, self.weight_col)
        try:
            folded = _bridge.call("foldIn", model, given._handle, side)
        finally:
            if given is not ratings:
                given.release()
        out = type(self)(**self.get_params())
        out._learn(folded)
        return out

    def _array_of(self, side: str, what: str) -> NDArray[Any]:
        model = self._fitted()
        if (side, what) not in self._arrays:
            n = self._info[f"n_{side}s"]
            width = 4 * (self._rank() + 2) * self._samples() if what == "factors" else 64
            with _arrays.shared_file(n * width) as path:
                _bridge.call("writeSide", model, side, what, str(path))
                array: NDArray[Any]
                if what == "factors":
                    array = np.fromfile(path, dtype=np.float32).reshape(n, -1)
                elif self._info[f"{side}s"] == "text":
                    array = _arrays.read_texts(path, n)
                else:
                    array = np.fromfile(path, dtype=np.int64)
            self._arrays[side, what] = array
        return self._arrays[side, what]

    @property
    def user_ids_(self) -> NDArray[Any]:
        """Users' ids in ascending order: (n_users,), int64, or objects where they are texts."""
        return self._array_of("user", "ids")

    @property
    def item_ids_(self) -> NDArray[Any]:
        """Items' ids in ascending order: (n_items,), int64, or objects where they are texts."""
        return self._array_of("item", "ids")

    @property
    def user_factors_(self) -> NDArray[np.float32]:
        """Users' factors: (n_users, rank), float32, rows in the order of the ids.

        With ``method="gibbs"`` (n_users, n_samples * (rank + 2)): of each sample the factors, the
        bias and a 1, all over the root of the number of samples.
        """
        return self._latent("user")

    @property
    def item_factors_(self) -> NDArray[np.float32]:
        """Items' factors: (n_items, rank), float32, rows in the order of the ids.

        With ``method="gibbs"`` (n_items, n_samples * (rank + 2)): of each sample the factors, a 1
        and the bias, all over the root of the number of samples.
        """
        return self._latent("item")

    @property
    def user_biases_(self) -> NDArray[np.float32]:
        """Users' biases: (n_users,), float32; a ValueError without `biases`."""
        return self._biases("user", 0)

    @property
    def item_biases_(self) -> NDArray[np.float32]:
        """Items' biases: (n_items,), float32; a ValueError without `biases`."""
        return self._biases("item", 1)

    def _rank(self) -> int:
        return int(self._info["params"]["rank"])

    def _biases(self, side: str, column: int) -> NDArray[np.float32]:
        self._fitted()
        count = self._samples()
        if not self._info["params"]["biases"] and self._info["params"]["method"] == "als":
            raise ValueError("this model has no biases; fit one with biases=True")
        factors = self._array_of(side, "factors")
        samples = factors.reshape(len(factors), count, -1)[:, :, self._rank() + column]
        return np.asarray(samples.sum(axis=1) / np.sqrt(count), dtype=np.float32)

    def _latent(self, side: str) -> NDArray[np.float32]:
        factors = self._array_of(side, "factors")
        return factors if self._info["params"]["method"] == "gibbs" else factors[:, : self._rank()]

    def factors_frame(self, side: str) -> Any:
        """Return factors as a Spark DataFrame.

        Parameters
        ----------
        side : {"user", "item"}
            Whose.

        Returns
        -------
        pyspark.sql.DataFrame
            Columns: the id (named as `user_col` or `item_col` says) and ``features`` (array of
            float), in the order of the ids.

        Raises
        ------
        ValueError
            `side` is another, or the estimator is not fitted.

        Examples
        --------
        >>> import mllib_py
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> als = mllib_py.ALS(rank=2).fit(ratings)
        >>> als.factors_frame("item").columns
        ['item', 'features']
        """
        if side not in ("user", "item"):
            raise ValueError(f"side must be 'user' or 'item', not {side!r}")
        name = self.user_col if side == "user" else self.item_col
        return _bridge.frame_of(_bridge.call("factorsFrame", self._fitted(), side, name))

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


def _run(handle: _bridge.Handle, half_steps: int, *, show: bool) -> _bridge.Handle:
    """Wait for a fit, showing where it stands; an interrupt stops it in the JVM too."""
    with Bar(half_steps, show=show) as bar, _bridge.errors(), _bridge.interrupts() as interrupts:
        while not handle.waitFor(100):
            at = json.loads(handle.progress())
            bar.update(at["phase"], at["done"], at.get("objective"))
            if interrupts:
                handle.cancel()
                break
        if interrupts:
            raise KeyboardInterrupt
        return handle.model()
