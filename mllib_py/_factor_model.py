"""What a fitted factor model answers: predictions, recommendations, similar rows, its arrays."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mllib_py import _arrays, _bridge, _tables
from mllib_py._asking import OUTPUTS, Answer, Asking
from mllib_py._columns import as_array, asked_ids
from mllib_py._estimator import Estimator
from mllib_py._files import uri_of


class FactorModel(Estimator):
    """What estimators have that learn factors of users and items.

    A subclass sets `_model`, `_info` and `_arrays` when it is fitted or loaded.
    """

    user_col: str
    item_col: str
    _model: _bridge.Handle
    _info: dict[str, Any]
    _arrays: dict[tuple[str, str], NDArray[Any]]

    def _fitted(self) -> _bridge.Handle:
        if not hasattr(self, "_model"):
            raise ValueError(f"this {type(self).__name__} is not fitted yet; call fit first")
        return self._model

    @property
    def _cold_start(self) -> str:
        return str(self._info["params"]["cold_start"])

    def predict(
        self, users: ArrayLike | Any, items: ArrayLike | None = None, *, return_std: bool = False
    ) -> Any:
        """Predict the ratings of pairs.

        Parameters
        ----------
        users : array-like of shape (n,), or a table
            Ids of the users; or a pandas or Spark DataFrame or an Arrow table that has columns of
            users and items (named as `user_col` and `item_col` say).
        items : array-like of shape (n,), optional
            Ids of the items, unless there is a table.
        return_std : bool, default=False
            With ``method="gibbs"``: give the standard deviation of each prediction over the samples
            too, which is what the model does not know; ratings scatter more, by their noise. Not
            for a table.

        Returns
        -------
        ndarray of shape (n,), float32, or two of them, or a table
            What an unknown user or item gets is `cold_start`'s to say; its deviation is NaN. Of a
            table, one of the same kind that has a column ``prediction`` more (float32), and with
            `cold_start` "drop" no rows of unknown users or items. A Spark DataFrame's column is
            computed by the executors, whenever it is used; so is what it then refuses.

        Raises
        ------
        ValueError
            The estimator is not fitted, `users` and `items` differ in length, `cold_start` is
            "error" and one is unknown or "drop" and there is no table, a table lacks a column or
            has one of predictions already, ids in it are null, or `return_std` is asked of a model
            without samples or for a table.
        TypeError
            Ids are not of the training data's kind (integers or texts), or `items` are missing.

        Examples
        --------
        >>> import mllib_py, pandas
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> als = mllib_py.ALS(rank=2, reg=0.01).fit(ratings)
        >>> als.predict([1, 2, 99], [10, 10, 10]).round().tolist()
        [5.0, 4.0, nan]
        >>> table = als.predict(pandas.DataFrame({"item": [10, 10], "user": [1, 2]}))
        >>> table.round().to_numpy().tolist()
        [[10.0, 1.0, 5.0], [10.0, 2.0, 4.0]]
        """
        self._fitted()
        if return_std and self._samples() == 1:
            raise ValueError("return_std needs samples; fit with method='gibbs', n_samples above 1")
        if _tables.is_table(users):
            if items is not None:
                raise TypeError("predict takes a table alone, or users and items")
            if return_std:
                raise ValueError("return_std is for users and items, not for a table")
            return self._predict_table(users)
        if items is None:
            raise TypeError("predict takes users and items, or a table that has both")
        if self._cold_start == "drop":
            raise ValueError(
                "cold_start='drop' leaves out rows, which two arrays cannot say; "
                "give predict a table, or fit with cold_start='nan'"
            )
        scores = self._predictions(users, items)
        return (scores, self._deviations(users, items)) if return_std else scores

    def _predict_table(self, table: Any) -> Any:
        _tables.check_column(table, self.user_col, "users")
        _tables.check_column(table, self.item_col, "items")
        _tables.check_no_column(table, "prediction")
        if _tables.kind_of(table) == "frame":
            handle, columns = _bridge.frame_handle(table), (self.user_col, self.item_col)
            return _bridge.frame_of(_bridge.call("predictFrame", self._fitted(), handle, *columns))
        users = _tables.ids_in(table, self.user_col, "users")
        scores = self._predictions(users, _tables.ids_in(table, self.item_col, "items"))
        out = _tables.with_column(table, "prediction", scores)
        return _tables.rows_where(out, ~np.isnan(scores)) if self._cold_start == "drop" else out

    def _predictions(self, users: ArrayLike, items: ArrayLike) -> NDArray[np.float32]:
        user_arrays, n, text_users = asked_ids(users, "users", self._info["users"])
        item_arrays, m, text_items = asked_ids(items, "items", self._info["items"])
        if n != m:
            raise ValueError(f"users and items differ in length: {n} and {m}")
        if n == 0:
            return np.empty(0, dtype=np.float32)
        arrays = user_arrays + item_arrays
        with _arrays.shared_file(sum(a.nbytes for a in arrays) + 4 * n) as path:
            _arrays.write_arrays(path, arrays)
            out = path.with_name(path.name + ".out")
            call = (self._fitted(), str(path), n, text_users, text_items, str(out))
            _bridge.call("predict", *call)
            return np.fromfile(out, dtype=np.float32)

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
        allow: Any = None,
        deny: Any = None,
        output: str = "pandas",
    ) -> Any:
        """Recommend items to users.

        Parameters
        ----------
        users : array-like of shape (n,), one id, or a table, optional
            Ids of the users. Of a table (a pandas or Spark DataFrame or an Arrow table) its column
            of users is taken as it stands: in its order, and as often as they are there. A Spark
            DataFrame's is collected. Default: all of them.
        k : int, default=10
            Items for each user at most.
        exclude_seen : bool, default=True
            Leave out what a user rated in the training data.
        allow, deny : array-like of ids, mapping or table, optional
            Items to choose from, and items to leave out: a list for all of these users, or one for
            each of some, as a mapping of a user to a list or as a table with both columns. Who has
            no list there is not restricted by it. Ids that the model does not know count for
            nothing.
        output : {"pandas", "arrow", "spark"}, default="pandas"
            A pandas DataFrame, an Arrow table, or a Spark DataFrame, whose rows the executors
            compute whenever it is used (cache it to use it twice), and which stay there.

        Returns
        -------
        pandas.DataFrame, pyarrow.Table or pyspark.sql.DataFrame
            Columns: the user, the item (named as `user_col` and `item_col` say), ``score`` and
            ``rank`` (from 1), best first, users in the order given. A user unknown to the model has
            no rows, and a warning says so, unless `cold_start` is "drop"; if it is "popular", he
            gets the items that the most users rated (ties by id), with scores of NaN.

        Raises
        ------
        ValueError
            The estimator is not fitted, `k` is below 1, `output` is another, or `cold_start` is
            "error" and a user is unknown; a table lacks its column, or ids in it are null.
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
        >>> als.recommend([3, 2], allow={3: [30]})[["user", "item"]].to_numpy().tolist()
        [[3, 30], [2, 20]]
        >>> als.recommend(output="spark").filter("rank = 1").count()
        3
        """
        return self._best("items", users, k, exclude_seen, allow, deny, output)

    def recommend_users(
        self,
        items: ArrayLike | None = None,
        k: int = 10,
        exclude_seen: bool = True,
        *,
        allow: Any = None,
        deny: Any = None,
        output: str = "pandas",
    ) -> Any:
        """Find the users to whom to recommend items.

        Parameters
        ----------
        items : array-like of shape (n,), one id, or a table with them, optional
            Ids of the items. Default: all of them.
        k : int, default=10
            Users for each item at most.
        exclude_seen : bool, default=True
            Leave out who rated the item in the training data.
        allow, deny : array-like of ids, mapping or table, optional
            Users to choose from, and users to leave out, for all or for each; as of `recommend`.
        output : {"pandas", "arrow", "spark"}, default="pandas"
            As of `recommend`.

        Returns
        -------
        pandas.DataFrame, pyarrow.Table or pyspark.sql.DataFrame
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
        return self._best("users", items, k, exclude_seen, allow, deny, output)

    def similar_items(
        self,
        items: ArrayLike | None = None,
        k: int = 10,
        *,
        allow: Any = None,
        deny: Any = None,
        output: str = "pandas",
    ) -> Any:
        """Find items that are like others, by the cosine of their factors (without biases).

        Parameters
        ----------
        items : array-like of shape (n,), one id, or a table with them, optional
            Ids of the items. Default: all of them.
        k : int, default=10
            Similar items for each at most; an item is not similar to itself.
        allow, deny : array-like of ids, mapping or table, optional
            Items to choose from, and items to leave out, for all or for each; as of `recommend`. A
            table's columns are those of what is returned.
        output : {"pandas", "arrow", "spark"}, default="pandas"
            As of `recommend`.

        Returns
        -------
        pandas.DataFrame, pyarrow.Table or pyspark.sql.DataFrame
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
        return self._best("similar items", items, k, True, allow, deny, output)

    def similar_users(
        self,
        users: ArrayLike | None = None,
        k: int = 10,
        *,
        allow: Any = None,
        deny: Any = None,
        output: str = "pandas",
    ) -> Any:
        """Find users who are like others, by the cosine of their factors (without biases).

        Parameters
        ----------
        users : array-like of shape (n,), one id, or a table with them, optional
            Ids of the users. Default: all of them.
        k : int, default=10
            Similar users for each at most.
        allow, deny : array-like of ids, mapping or table, optional
            Users to choose from, and users to leave out, for all or for each; as of `recommend`.
        output : {"pandas", "arrow", "spark"}, default="pandas"
            As of `recommend`.

        Returns
        -------
        pandas.DataFrame, pyarrow.Table or pyspark.sql.DataFrame
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
        return self._best("similar users", users, k, True, allow, deny, output)

    def write_recommendations(
        self,
        path: str | os.PathLike[str],
        k: int = 10,
        users: ArrayLike | None = None,
        exclude_seen: bool = True,
        *,
        allow: Any = None,
        deny: Any = None,
        overwrite: bool = False,
    ) -> None:
        """Write recommendations as Parquet, from the executors, without collecting them.

        Parameters
        ----------
        path : str or path
            A folder to be, local or of any file system that Hadoop knows (``hdfs://``). It appears
            whole or not at all.
        k : int, default=10
            Items for each user at most.
        users : array-like of shape (n,), one id, or a table, optional
            As of `recommend`. Default: all of them.
        exclude_seen : bool, default=True
            Leave out what a user rated in the training data.
        allow, deny : array-like of ids, mapping or table, optional
            As of `recommend`.
        overwrite : bool, default=False
            Whether to replace a folder of Parquet files.

        Raises
        ------
        ValueError
            As `recommend`; or something is there already, or (with `overwrite`) something that is
            no folder of Parquet files.
        TypeError
            As `recommend`.

        Examples
        --------
        >>> import mllib_py, pandas, tempfile
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> als = mllib_py.ALS(rank=2).fit(ratings)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     als.write_recommendations(f"{folder}/best", k=1)
        ...     found = pandas.read_parquet(f"{folder}/best")
        >>> sorted(found["user"])
        [1, 2, 3]
        """
        asking = self._asking("items", users, k, exclude_seen, allow, deny)
        uri = uri_of(path)
        _bridge.call("checkFolder", uri, bool(overwrite))
        frame, unknown = self._frame(asking)
        _tell_of_strangers(asking, unknown, stacklevel=3)
        _bridge.call("writeFrame", frame, uri, bool(overwrite))

    def _best(
        self,
        kind: str,
        ids: ArrayLike | None,
        k: int,
        exclude_seen: bool,
        allow: Any,
        deny: Any,
        output: str,
    ) -> Any:
        self._fitted()
        if output not in OUTPUTS:
            one_of = ", ".join(map(repr, OUTPUTS))
            raise ValueError(f"output must be one of {one_of}, not {output!r}")
        asking = self._asking(kind, ids, k, exclude_seen, allow, deny)
        if output == "spark":
            frame, unknown = self._frame(asking)
            table = _bridge.frame_of(frame)
        else:
            answer, unknown = self._answer(asking)
            asked = self._array_of(asking.asker, "ids") if asking.ids is None else asking.ids
            table = answer.table(asking, asked, self._array_of(asking.found, "ids"), output)
        _tell_of_strangers(asking, unknown, stacklevel=4)
        return table

    def _asking(
        self,
        kind: str,
        ids: ArrayLike | None,
        k: int,
        exclude_seen: bool,
        allow: Any,
        deny: Any,
    ) -> Asking:
        self._fitted()
        asking = Asking(kind, self._info, {"user": self.user_col, "item": self.item_col})
        asking.of(ids, k, exclude_seen)
        asking.choose("allow", allow)
        asking.choose("deny", deny)
        return asking

    def _answer(self, asking: Asking) -> tuple[Answer, int]:
        """Return what is asked, and how many of those who ask are unknown."""
        with _arrays.shared_file(asking.bytes_in + asking.bytes_out) as path:
            asking.write(path)
            out = path.with_name(path.name + ".out")
            unknown = _bridge.call("recommend", self._fitted(), str(path), asking.meta, str(out))
            return Answer.read(out), unknown

    def _frame(self, asking: Asking) -> tuple[_bridge.Handle, int]:
        """Return the same, as the JVM's side of a Spark DataFrame."""
        with _arrays.shared_file(asking.bytes_in) as path:
            asking.write(path)
            answer = _bridge.call("recommendFrame", self._fitted(), str(path), asking.meta)
        return answer.frame(), answer.unknown()

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


def _tell_of_strangers(asking: Asking, unknown: int, *, stacklevel: int) -> None:
    if unknown:
        warnings.warn(
            f"{unknown} of the {asking.asker}s were not in the training data; "
            f"they get no {asking.found}s",
            stacklevel=stacklevel,
        )
