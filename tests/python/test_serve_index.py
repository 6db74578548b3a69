"""Approximate search of a served model: most of the best, and nothing that must not be there."""

from __future__ import annotations

import hashlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.refusal import refused

from mllib_py import serve

USERS, ITEMS, RANK, SEEN = 50, 4000, 12, 60


def write_model(folder: Path, biases: bool = False) -> None:
    """Write a model of drawn factors, of many lengths, as `ALS.save` would."""
    draw = np.random.default_rng(0)
    width = RANK + 2 * biases
    items = draw.normal(size=(ITEMS, width)) * draw.lognormal(0, 0.5, (ITEMS, 1))
    arrays: dict[str, NDArray[Any]] = {
        "user_factors": draw.normal(size=(USERS, width)).astype(np.float32),
        "item_factors": items.astype(np.float32),
        "user_ids": np.arange(USERS, dtype=np.int64),
        "item_ids": 3 * np.arange(ITEMS, dtype=np.int64) - 100,
        "seen_start": np.arange(0, USERS * SEEN + 1, SEEN, dtype=np.int32),
    }
    if biases:
        arrays["item_factors"][:, RANK] = arrays["user_factors"][:, RANK + 1] = 1
    # What a user likes best he has seen.
    products = arrays["user_factors"] @ arrays["item_factors"].T
    seen = np.sort(np.argsort(-products, axis=1)[:, : 2 * SEEN : 2], axis=1)
    arrays["seen_items"] = seen.astype(np.int32).ravel()
    folder.mkdir()
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    params = {"rank": RANK, "biases": biases, "implicit": False, "method": "als"}
    facts = {"format": "mllib_py ALS", "version": 1, "params": params, "fit": {"mean_rating": 3}}
    (folder / "model.json").write_text(json.dumps(facts))
    sums = {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.iterdir()}
    (folder / "checksums.json").write_text(json.dumps(sums))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("models") / "plain"
    write_model(base)
    return base


@pytest.fixture(scope="module")
def model(folder: Path) -> serve.ServedModel:
    return serve.load(folder, index="hnsw")


def recall(model: serve.ServedModel, k: int, **how: Any) -> float:
    shares = []
    for user in range(USERS):
        best = set(model.recommend(user, k, exact=True, **how)[0].tolist())
        shares.append(len(best & set(model.recommend(user, k, **how)[0].tolist())) / len(best))
    return float(np.mean(shares))


@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("k", [1, 10, 100])
def test_most_of_the_best_are_found(k: int, exclude_seen: bool, model: serve.ServedModel) -> None:
    assert recall(model, k, exclude_seen=exclude_seen) > 0.95


def test_biases_count_and_the_mean_is_added(tmp_path: Path) -> None:
    write_model(tmp_path / "m", biases=True)
    model = serve.load(tmp_path / "m", index="hnsw")
    assert recall(model, 10) > 0.95
    items, scores = model.recommend(7, 3)
    np.testing.assert_allclose(scores, [model.predict(7, i) for i in items], rtol=1e-5)


def test_a_wider_search_finds_more(folder: Path) -> None:
    narrow = serve.load(folder).index("hnsw", links=2, build_width=4, width=1)
    wide = serve.load(folder).index("hnsw", links=2, build_width=4, width=2000)
    assert recall(narrow, 5, exclude_seen=False) < recall(wide, 5, exclude_seen=False)


def test_what_is_found_is_in_order_with_exact_scores(model: serve.ServedModel) -> None:
    for user in range(0, USERS, 7):
        items, scores = model.recommend(user, 20)
        assert len(set(items.tolist())) == 20
        assert scores.dtype == np.float32
        assert (np.diff(scores) <= 0).all()
        np.testing.assert_allclose(scores, [model.predict(user, i) for i in items], rtol=1e-5)


def test_what_was_seen_or_denied_is_never_found(model: serve.ServedModel) -> None:
    for user in range(USERS):
        seen = model.items[model._seen[user * SEEN : (user + 1) * SEEN]]
        best, _ = model.recommend(user, 30)
        deny = [*best[::2].tolist(), int(seen[0]), 10**9]
        items, _ = model.recommend(user, 30, deny=deny)
        assert not set(items.tolist()) & {*seen.tolist(), *deny}
        assert len(items) == 30
        assert set(best[1::2].tolist()) <= set(items.tolist())


def test_answers_have_as_many_items_as_exact_ones(model: serve.ServedModel) -> None:
    for k in (1000, ITEMS, 10**9):
        a, b = model.recommend(3, k), model.recommend(3, k, exact=True)
        assert len(a[0]) == len(b[0]) == min(k, ITEMS - SEEN)
    few = model.items[5:8].tolist()
    others = np.setdiff1d(model.items, few)
    assert sorted(model.recommend(3, 10, False, deny=others)[0].tolist()) == few


def test_a_choice_of_items_is_answered_exactly(model: serve.ServedModel, folder: Path) -> None:
    plain = serve.load(folder)
    some = model.items[::9]
    for user in range(0, USERS, 10):
        a, b = model.recommend(user, 5, allow=some), plain.recommend(user, 5, allow=some)
        assert a[0].tolist() == b[0].tolist()
        assert a[1].tolist() == b[1].tolist()
    assert model.similar_items(-100)[0].tolist() == plain.similar_items(-100)[0].tolist()


def test_threads_share_an_index(model: serve.ServedModel) -> None:
    alone = [model.recommend(user)[0].tolist() for user in range(USERS)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda user: model.recommend(user)[0].tolist(), range(USERS)))
    assert found == alone


def test_a_few_items_can_be_indexed_too(tmp_path: Path) -> None:
    write_model(tmp_path / "m")
    for name, n in (("item_factors", 1), ("item_ids", 1), ("seen_items", 0)):
        np.save(tmp_path / "m" / f"{name}.npy", np.load(tmp_path / "m" / f"{name}.npy")[:n])
    np.save(tmp_path / "m" / "seen_start.npy", np.zeros(USERS + 1, dtype=np.int32))
    model = serve.load(tmp_path / "m", verify=False, index="hnsw")
    assert model.recommend(0)[0].tolist() == [-100]


def test_without_faiss_it_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert len(serve.load(folder).recommend(0, 3)[0]) == 3
    with refused(ModuleNotFoundError, "faiss", "pip install 'mllib-py[ann]'"):
        serve.load(folder, index="hnsw")


def test_options_that_are_none(folder: Path) -> None:
    with refused(ValueError, "index must be 'hnsw', not 'tree'"):
        serve.load(folder, index="tree")
    for name, least in (("links", 2), ("build_width", 1), ("width", 1)):
        for value in (least - 1, 2.5, True, None):
            with refused(ValueError, f"{name} must be an integer of at least {least}", repr(value)):
                serve.load(folder).index(**{name: value})
