"""A fit that goes on from another: init and partial_fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.refusal import refused
from support.small import Small, plays, stars

import mllib_py
from mllib_py import ALS

pytestmark = pytest.mark.usefixtures("spark")

STRATEGIES = ["broadcast", "data-parallel", "blocked"]
MODES: dict[str, dict[str, Any]] = {
    "explicit": {},
    "biases": {"biases": True, "reg_exponent": 0.5},
    "implicit": {"implicit": True, "alpha": 3.0},
    "unobserved": {"implicit": True, "unobserved_weight": 0.2, "biases": True},
    "cg": {"solver": "cg", "cg_steps": 2},
    "ials++": {"solver": "ials++", "implicit": True, "rank": 20, "block_size": 16},
    "auto, rank 96": {"implicit": True, "rank": 96},
    "nonnegative": {"nonnegative": True},
}


def data_of(mode: str) -> Small:
    return plays() if MODES[mode].get("implicit") else stars()


def als(mode: str, **more: Any) -> ALS:
    return ALS(**{"rank": 4, "reg": 0.05} | MODES[mode] | more)


def is_same(a: ALS, b: ALS) -> bool:
    """Bit for bit."""
    arrays = ("user_ids_", "item_ids_")
    biases = ("user_biases_", "item_biases_") if a.biases else ()
    factors = ("user_factors_", "item_factors_")
    return all(np.array_equal(getattr(a, n), getattr(b, n)) for n in arrays + factors + biases)


def objectives(model: ALS) -> list[float]:
    return [h["objective"] for h in model.history_]


# --- init


@pytest.mark.parametrize("mode", MODES)
def test_five_iterations_and_five_more_are_ten(mode: str) -> None:
    """The users' factors count too where a solver starts from them."""
    data = data_of(mode)
    five = als(mode, max_iter=5).fit(data)
    ten = als(mode, max_iter=10).fit(data)
    more = als(mode, max_iter=5, random_state=99).fit(data.shuffled(1), init=five)
    assert is_same(more, ten)
    assert more.n_iter_ == 5
    assert objectives(more) == pytest.approx(objectives(ten)[10:], rel=1e-12)


def test_a_model_may_start_itself() -> None:
    model = als("explicit", max_iter=2).fit(stars())
    assert is_same(model.fit(stars(), init=model), als("explicit", max_iter=4).fit(stars()))


@pytest.mark.parametrize("mode", ["explicit", "unobserved", "cg"])
def test_new_rows_and_old_ones_start_the_same_everywhere(mode: str) -> None:
    data = data_of(mode)
    known = Small(*(c[(data.users > 20) & (data.items > 30)] for c in data))
    start = als(mode, max_iter=3).fit(known)
    assert len(start.user_ids_) < len(set(data.users))
    assert len(start.item_ids_) < len(set(data.items))
    fits = [
        als(mode, max_iter=2, strategy=strategy, num_blocks=blocks).fit(
            data.shuffled(blocks), init=start
        )
        for strategy, blocks in zip(STRATEGIES, (1, 2, 5), strict=True)
    ]
    assert is_same(fits[0], fits[1])
    assert is_same(fits[0], fits[2])


def test_new_items_are_drawn_as_usual_and_known_ones_are_not() -> None:
    """With one user half-step in NumPy: the first half-step is against the start."""
    data = stars()
    known = Small(*(c[data.items < 90] for c in data))
    start = als("explicit", max_iter=3, random_state=1).fit(known)
    usual = als("explicit", max_iter=1, random_state=5)
    warm = als("explicit", max_iter=1, random_state=5).fit(data, init=start)
    cold = usual.fit(data)
    # All rows are new to a start of one rating of others, so theirs are the usual draws.
    one = ALS(rank=4, reg=0.05, max_iter=1).fit(([10**6], [10**6], [1.0]))
    assert is_same(als("explicit", max_iter=1, random_state=5).fit(data, init=one), cold)
    y = {i: f.astype(np.float64) for i, f in zip(start.item_ids_, start.item_factors_, strict=True)}
    user = next(u for u in sorted(set(data.users)) if data.items[data.users == u].max() < 90)
    mine = data.users == user
    fixed = np.array([y[i] for i in data.items[mine]])
    a = fixed.T @ fixed + 0.05 * mine.sum() * np.eye(4)
    x = np.linalg.solve(a, fixed.T @ data.values[mine])
    row = np.searchsorted(warm.user_ids_, user)
    assert np.allclose(warm.user_factors_[row], x, atol=1e-4)
    assert not np.allclose(cold.user_factors_[row], x, atol=1e-2)


def test_a_loaded_model_and_text_ids_start_a_fit(tmp_path: Path) -> None:
    users = [f"u{u}" for u in stars().users]
    data = (users, stars().items, stars().values)
    als("explicit", max_iter=2).fit(data).save(tmp_path / "m")
    again = als("explicit", max_iter=2).fit(data, init=mllib_py.load(tmp_path / "m"))
    assert is_same(again, als("explicit", max_iter=4).fit(data))


def test_what_a_fit_cannot_start_from() -> None:
    start = als("explicit", max_iter=1).fit(stars())
    with refused(ValueError, "rank 4", "rank 5"):
        als("explicit", rank=5).fit(stars(), init=start)
    with refused(ValueError, "biases=False", "biases=True"):
        als("biases").fit(stars(), init=start)
    with refused(ValueError, "factors below 0", "nonnegative"):
        als("nonnegative").fit(stars(), init=start)
    with refused(ValueError, "method='gibbs'", "init"):
        ALS(rank=4, method="gibbs").fit(stars(), init=start)
    with refused(ValueError, "init is not fitted"):
        als("explicit").fit(stars(), init=ALS())
    with refused(TypeError, "init must be a fitted ALS, not str"):
        als("explicit").fit(stars(), init="model")  # type: ignore[arg-type]
    with refused(TypeError, "users are text ids"):
        als("explicit").fit((["a"], [1], [1.0]), init=start)


# --- partial_fit


def one_of(data: Small) -> Small:
    """A rating that is there already: nothing new."""
    return Small(*(c[:1] for c in data))


@pytest.mark.parametrize("mode", MODES)
def test_a_partial_fit_with_nothing_new_is_one_more_iteration(mode: str) -> None:
    data = data_of(mode)
    model = als(mode, max_iter=3).fit(data)
    before = model.history_
    assert model.partial_fit(one_of(data)) is model
    four = als(mode, max_iter=4).fit(data)
    assert is_same(model, four)
    assert model.n_iter_ == 4
    assert model.history_[:6] == before
    assert [(h["iteration"], h["side"]) for h in model.history_[6:]] == [(4, "user"), (4, "item")]
    assert objectives(model) == pytest.approx(objectives(four), rel=1e-12)
    assert model.mean_rating_ == pytest.approx(four.mean_rating_, abs=0)
    assert model.stop_reason_ == "partial_fit does one iteration"
    assert model.max_iter == 3


def test_the_first_partial_fit_is_a_fit_of_one_iteration() -> None:
    first = als("explicit", patience=3, tol=0.5).partial_fit(stars())
    assert is_same(first, als("explicit", max_iter=1).fit(stars()))
    assert (first.n_iter_, first.max_iter) == (1, 10)


@pytest.mark.parametrize("mode", ["biases", "implicit", "nonnegative"])
def test_the_hybrid_goes_on_as_the_others_do(mode: str) -> None:
    data = data_of(mode)
    start = als(mode, max_iter=3).fit(data)
    more = als(mode, max_iter=3, strategy="hybrid", num_blocks=3).fit(data, init=start)
    np.testing.assert_allclose(
        more.item_factors_, als(mode, max_iter=6).fit(data).item_factors_, rtol=1e-3, atol=1e-4
    )
    model, other = als(mode).fit(data), als(mode).fit(data)
    model.set_params(strategy="hybrid", num_blocks=2).partial_fit(one_of(data))
    other.partial_fit(one_of(data))
    np.testing.assert_allclose(model.item_factors_, other.item_factors_, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_new_ratings_are_learnt_beside_the_kept_ones(strategy: str, tmp_path: Path) -> None:
    """In two parts, saved between them, or at once: new rows start as with init."""
    data = stars().shuffled(4)
    some, rest = Small(*(c[:90] for c in data)), Small(*(c[90:] for c in data))
    start = als("biases", max_iter=3).fit(some)
    start.save(tmp_path / "m")
    grown = mllib_py.load(tmp_path / "m").set_params(strategy=strategy, num_blocks=3)
    grown.partial_fit(rest)
    assert is_same(grown, als("biases", max_iter=1).fit(data, init=start))
    assert grown.strategy_ == strategy
    assert grown.mean_rating_ == pytest.approx(data.values.mean(dtype=np.float64), rel=1e-12)
    # And what is kept is all of them.
    grown.partial_fit(one_of(data))
    assert is_same(grown, als("biases", max_iter=2).fit(data, init=start))


@pytest.mark.parametrize(
    ("policy", "new", "becomes"),
    [
        ("error", [(1, 10, 2.0)], 2.0),
        ("last", [(1, 10, 9.0), (1, 10, 2.0)], 2.0),
        ("sum", [(1, 10, 2.0), (1, 10, 4.0)], 11.0),
        ("mean", [(1, 10, 1.0), (1, 10, 3.0)], 3.0),
    ],
)
def test_a_pair_that_was_rated_before(
    policy: str, new: list[tuple[int, int, float]], becomes: float
) -> None:
    users, items, values = [1, 1, 2], [10, 20, 10], [5.0, 1.0, 4.0]
    model = ALS(rank=2, max_iter=2, duplicates=policy).fit((users, items, values))
    start = ALS(rank=2, max_iter=2).fit((users, items, values))
    model.partial_fit(tuple(zip(*new, strict=True)))
    expected = ALS(rank=2, max_iter=1).fit((users, items, [becomes, 1.0, 4.0]), init=start)
    assert is_same(model, expected)
    why = model.explain_recommendation(1, 20)
    assert sorted(why["rating"].tolist()) == [1.0, becomes]


def test_times_order_new_ratings_alone(spark: Any) -> None:
    """A kept rating is older than any, whatever the times of new ones say."""
    import pandas as pd

    model = ALS(rank=1, max_iter=1, duplicates="last").fit(([1, 2], [10, 10], [5.0, 4.0]))
    frame = pd.DataFrame(
        {"user": [1, 1], "item": [10, 10], "rating": [2.0, 3.0], "timestamp": [-5, -7]}
    )
    model.partial_fit(frame)
    assert model.explain_recommendation(1, 10)["rating"].tolist() == [2.0]


def test_what_cannot_go_on() -> None:
    model = als("explicit", max_iter=1).fit(stars())
    before = model.user_factors_
    with refused(ValueError, "repeat a (user, item) pair"):
        model.partial_fit(([1, 1], [2, 2], [1.0, 2.0]))
    with refused(TypeError, "are text ids"):
        model.partial_fit((["a"], [2], [1.0]))
    with refused(ValueError, "there are no ratings"):
        model.partial_fit(([], [], []))
    with refused(ValueError, "rank 4", "rank 6"):
        model.set_params(rank=6).partial_fit(stars())
    assert np.array_equal(model.set_params(rank=4).user_factors_, before)
    folded = model.fold_in(([900], [2], [3.0]))
    with refused(ValueError, "after fold_in"):
        folded.partial_fit(stars())
    with refused(ValueError, "partial_fit is for method='als'"):
        ALS(method="gibbs").partial_fit(stars())
    with refused(ValueError, "max_iter must be at least 1"):
        als("explicit", max_iter=0).partial_fit(stars())
