"""What each asker may find: lists of ids to choose from and to leave out."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from support.refusal import refused
from support.small import stars

from mllib_py import ALS

pytestmark = pytest.mark.usefixtures("spark")
DATA = stars()
TO_PANDAS: dict[str, Any] = {
    "pandas": lambda table: table,
    "arrow": lambda table: table.to_pandas(),
    "spark": lambda frame: frame.toPandas(),
}


@pytest.fixture(scope="module")
def als(spark: Any) -> ALS:
    return ALS(rank=3, max_iter=2, biases=True).fit(DATA)


def scores(als: ALS) -> NDArray[np.float64]:
    u, i = als.user_ids_, als.item_ids_
    flat = als.predict(np.repeat(u, len(i)), np.tile(i, len(u)))
    return flat.reshape(len(u), len(i)).astype(np.float64)


def best(
    als: ALS,
    asked: Any,
    k: int,
    allow: dict[Any, Any],
    deny: dict[Any, Any],
    *,
    hide: bool = True,
) -> list[tuple[int, int, int]]:
    """By NumPy: (user, item, rank)."""
    s = scores(als)
    rows = np.searchsorted(als.user_ids_, DATA.users)
    if hide:
        s[rows, np.searchsorted(als.item_ids_, DATA.items)] = -np.inf
    out = []
    for user in asked:
        row = s[np.searchsorted(als.user_ids_, user)].copy()
        if user in allow:
            row[~np.isin(als.item_ids_, list(allow[user]))] = -np.inf
        row[np.isin(als.item_ids_, list(deny.get(user, [])))] = -np.inf
        order = [i for i in np.argsort(-row, kind="stable") if row[i] > -np.inf][:k]
        out += [(user, int(als.item_ids_[i]), r + 1) for r, i in enumerate(order)]
    return out


def rows_of(frame: pd.DataFrame) -> list[tuple[int, int, int]]:
    return list(frame.drop(columns="score").itertuples(index=False, name=None))


def some_lists(als: ALS, seed: int) -> dict[int, list[int]]:
    """Lists of all lengths, with ids again and ids that nobody knows."""
    draw = np.random.default_rng(seed)
    users = draw.permutation(als.user_ids_)[:14]
    return {int(u): draw.choice([*als.item_ids_, 10**6], n).tolist() for n, u in enumerate(users)}


@pytest.mark.parametrize("output", ["pandas", "arrow", "spark"])
@pytest.mark.parametrize("hide", [True, False])
@pytest.mark.parametrize("k", [1, 3, 100])
def test_lists_for_each_user(als: ALS, k: int, hide: bool, output: str) -> None:
    allow, deny = some_lists(als, 1), some_lists(als, 2)
    asked = [*als.user_ids_.tolist(), *als.user_ids_[:3].tolist()]
    for a, d in ((allow, {}), ({}, deny), (allow, deny)):
        given = {"allow": a or None, "deny": d or None}
        found = als.recommend(asked, k, hide, output=output, **given)
        assert rows_of(TO_PANDAS[output](found)) == best(als, asked, k, a, d, hide=hide)


def test_scores_are_those_without_a_list(als: ALS) -> None:
    """To the last bit: a list changes who is found, not what is computed."""
    free = als.recommend(k=100).set_index(["user", "item"])["score"]
    allow = {int(u): als.item_ids_[::2] for u in als.user_ids_}
    found = als.recommend(k=100, allow=allow).set_index(["user", "item"])["score"]
    assert len(found) > 0
    assert (found == free[found.index]).all()


def test_a_list_for_all_and_lists_for_each(als: ALS) -> None:
    everyone = {int(u): als.item_ids_[:9].tolist() for u in als.user_ids_}
    deny = some_lists(als, 3)
    found = als.recommend(k=4, allow=als.item_ids_[:9], deny=deny)
    assert rows_of(found) == best(als, als.user_ids_, 4, everyone, deny)
    allow = some_lists(als, 4)
    denied = {int(u): als.item_ids_[:5].tolist() for u in als.user_ids_}
    found = als.recommend(k=4, allow=allow, deny=als.item_ids_[:5])
    assert rows_of(found) == best(als, als.user_ids_, 4, allow, denied)


def test_an_empty_list_allows_nothing_and_denies_nothing(als: ALS) -> None:
    first, second = als.user_ids_[:2].tolist()
    found = als.recommend([first, second], k=2, allow={first: []})
    assert found["user"].unique().tolist() == [second]
    assert als.recommend(k=2, deny={first: []}).equals(als.recommend(k=2))
    for nothing in ({}, {first: [10**6]}):
        assert als.recommend(k=2, deny=nothing).equals(als.recommend(k=2))
    assert als.recommend(k=2, allow={}).equals(als.recommend(k=2))
    assert als.recommend([first], allow={first: [10**6]}).empty
    assert als.recommend([first], allow={10**6: [1]}).equals(als.recommend([first]))


def test_lists_may_be_a_table(als: ALS, spark: Any) -> None:
    deny = {u: ids for u, ids in some_lists(als, 5).items() if ids}
    pairs = [(u, i) for u, ids in deny.items() for i in ids]
    table = pd.DataFrame(pairs, columns=["user", "item"]).sample(frac=1, random_state=1)
    expected = rows_of(als.recommend(k=3, deny=deny))
    for given in (table, pa.Table.from_pandas(table), spark.createDataFrame(table)):
        assert rows_of(als.recommend(k=3, deny=given)) == expected
    allowed = rows_of(als.recommend(k=3, allow=deny))
    assert rows_of(als.recommend(k=3, allow=table)) == allowed
    with refused(ValueError, "has no column 'item', where the ids of deny should be"):
        als.recommend(deny=table[["user"]])


@pytest.mark.parametrize(
    ("method", "asker", "found"),
    [
        ("recommend_users", "item", "user"),
        ("similar_items", "item", "similar"),
        ("similar_users", "user", "similar"),
    ],
)
def test_other_questions_have_lists_too(als: ALS, method: str, asker: str, found: str) -> None:
    whole = getattr(als, method)(k=1000)
    first = whole[asker].iloc[0]
    best = whole[whole[asker] == first][found].tolist()
    deny = {first: best[:2]}
    changed = getattr(als, method)(k=1000, deny=deny)
    assert changed[changed[asker] == first][found].tolist() == best[2:]
    rest = whole[whole[asker] != first].reset_index(drop=True)
    assert changed[changed[asker] != first].reset_index(drop=True).equals(rest)
    table = pd.DataFrame({asker: first, found: best[3:1:-1]})
    changed = getattr(als, method)([first], k=1000, allow=table)
    assert changed[found].tolist() == best[2:4]


def test_lists_of_texts_and_uuids() -> None:
    names = [uuid.UUID(int=n) for n in range(4)]
    users, items = np.repeat([0, 1, 2], 4), np.tile(range(4), 3)
    data = ([f"u{u}" for u in users], [names[i] for i in items], np.arange(12.0))
    als = ALS(rank=2, max_iter=2).fit(data)
    found = als.recommend(exclude_seen=False, k=4, allow={"u1": [names[2]], "u2": set()})
    assert found["user"].tolist() == ["u0"] * 4 + ["u1"]
    assert found["item"].iloc[-1] == str(names[2])
    assert als.recommend([], exclude_seen=False).empty
    assert als.recommend(exclude_seen=False, allow=[]).empty
    assert als.recommend([], output="spark").dtypes[0] == ("user", "string")


def test_wrong_lists_are_refused(als: ALS) -> None:
    with refused(TypeError, "deny must map each id to a list of ids, not to 3"):
        als.recommend(deny={1: 3})
    with refused(TypeError, "users of allow must be integer ids"):
        als.recommend(allow={"a": [3]})
    with refused(TypeError, "allow must be integer ids"):
        als.recommend(allow={1: ["a"]})


def test_lists_on_the_cluster(spark: Any) -> None:
    """So many users and items that the scores are shared out to tasks."""
    n = 4500
    draw = np.random.default_rng(5)
    users = np.concatenate([np.arange(n), draw.integers(0, n, n)])
    items = np.concatenate([draw.permutation(n), draw.integers(0, n, n)])
    data = (users, items, draw.random(2 * n).astype(np.float32))
    als = ALS(rank=2, max_iter=1, duplicates="mean").fit(data)
    allow = {int(u): draw.integers(0, n, 5).tolist() for u in als.user_ids_[::3]}
    deny = {int(u): draw.integers(0, n, 900).tolist() for u in als.user_ids_[::5]}
    whole = als.recommend(k=3, allow=allow, deny=deny)
    asked = als.user_ids_[:45]
    expected = als.recommend(asked, k=3, allow=allow, deny=deny)
    assert rows_of(expected) == rows_of(whole[whole["user"] <= asked[-1]])
    assert len(whole) > n
