"""What holds for any data: the same factors however they move, an objective that never rises."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from golden.reference_als import objective, problem
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.refusal import refused
from support.small import Small, plays, stars

from mllib_py import ALS

pytestmark = pytest.mark.usefixtures("spark")

STRATEGIES = ["broadcast", "data-parallel", "blocked"]
MODES: dict[str, dict[str, Any]] = {
    "explicit": {},
    "implicit": {"implicit": True, "alpha": 3.0},
    "nonnegative": {"nonnegative": True},
    "implicit, nonnegative": {"implicit": True, "nonnegative": True},
    "implicit, auto, rank 96": {"implicit": True, "rank": 96},
}
SOME = {mode: plays() if "implicit" in mode else stars() for mode in MODES}
HYPOTHESIS = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}


# The hybrid solves its rows exactly, whatever the rank.
EXACT = [mode for mode in MODES if "auto" not in mode]


def als_of(mode: str, **more: Any) -> ALS:
    return ALS(**{"rank": 5, "max_iter": 3} | MODES[mode] | more)


def factors(als: ALS) -> tuple[Any, ...]:
    return als.user_ids_, als.item_ids_, als.user_factors_, als.item_factors_


def is_same(a: ALS, b: ALS) -> bool:
    """Bit for bit."""
    return all(np.array_equal(x, y) for x, y in zip(factors(a), factors(b), strict=True))


@pytest.fixture(scope="module")
def expected(spark: Any) -> dict[str, ALS]:
    return {
        mode: als_of(mode, strategy="broadcast", num_blocks=1).fit(SOME[mode]) for mode in MODES
    }


# --- one law: the same factors from every strategy, number of blocks, partitioning and order


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(
    ("mode", "num_blocks"),
    [("explicit", blocks) for blocks in (None, 1, 2, 3, 7)]
    + [(mode, blocks) for mode in list(MODES)[1:] for blocks in (2, 7)],
)
def test_strategies_and_blocks_give_the_same_factors(
    mode: str, strategy: str, num_blocks: int | None, expected: dict[str, ALS]
) -> None:
    als = als_of(mode, strategy=strategy, num_blocks=num_blocks)
    assert is_same(als.fit(SOME[mode].shuffled(1)), expected[mode])
    assert als.strategy_ == strategy


@pytest.mark.parametrize("strategy", [*STRATEGIES, "hybrid"])
def test_more_blocks_than_ratings_do_no_harm(strategy: str) -> None:
    data = stars(n_users=3, n_items=3)
    one = ALS(rank=2, max_iter=2, num_blocks=1).fit(data)
    many = ALS(rank=2, max_iter=2, num_blocks=40, strategy=strategy).fit(data)
    assert len(data.users) < 40
    assert is_close(one, many) if strategy == "hybrid" else is_same(one, many)


@pytest.mark.parametrize("partitions", [1, 3, 20])
@pytest.mark.parametrize("mode", ["explicit", "implicit"])
def test_partitions_of_the_input_do_not_matter(
    mode: str, partitions: int, spark: Any, expected: dict[str, ALS]
) -> None:
    frame = spark.createDataFrame(SOME[mode].shuffled(2).frame()).repartition(partitions)
    als = als_of(mode, strategy="blocked", num_blocks=3)
    assert is_same(als.fit(frame), expected[mode])


@pytest.mark.parametrize("policy", ["sum", "mean"])
def test_the_order_of_duplicates_that_are_added_up_does_not_matter(policy: str) -> None:
    once = stars()
    draw = np.random.default_rng(0)
    again = draw.integers(0, len(once.users), 300)
    data = Small(
        np.concatenate([once.users, once.users[again]]),
        np.concatenate([once.items, once.items[again]]),
        np.concatenate([once.values, draw.normal(size=300).astype(np.float32)]),
    )
    fits = [
        ALS(rank=3, max_iter=2, duplicates=policy, strategy=strategy, num_blocks=blocks).fit(
            data.shuffled(blocks)
        )
        for strategy, blocks in zip(STRATEGIES, (1, 2, 5), strict=True)
    ]
    assert is_same(fits[0], fits[1])
    assert is_same(fits[0], fits[2])


def test_ids_of_any_size_give_the_same_factors_from_all_strategies() -> None:
    ids = np.array([-(2**63), -5, 0, 7, 2**40, 2**63 - 1])
    data = (np.repeat(ids, 3), np.tile(ids[:3], 6), np.arange(18) % 5 + 1.0)
    fits = [ALS(rank=2, max_iter=2, strategy=s, num_blocks=4).fit(data) for s in STRATEGIES]
    assert is_same(fits[0], fits[1])
    assert is_same(fits[0], fits[2])


@st.composite
def small_ratings(draw: st.DrawFn) -> Small:
    """Up to 40 ratings of a few ids, of any size and sign."""
    pairs = draw(
        st.lists(
            st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=40, unique=True
        )
    )
    values = st.floats(-10, 10, width=32).map(lambda v: round(v, 2))
    ratings = draw(st.lists(values, min_size=len(pairs), max_size=len(pairs)))
    users, items = np.array(pairs, dtype=np.int64).T
    return Small(users, items, np.array(ratings, dtype=np.float32))


PARAMETERS = st.fixed_dictionaries(
    {
        "rank": st.integers(1, 6),
        "reg": st.sampled_from([0.01, 0.1, 1.0]),
        "implicit": st.booleans(),
        "nonnegative": st.booleans(),
        "random_state": st.integers(-(2**63), 2**63 - 1),
    }
)


@settings(max_examples=8, **HYPOTHESIS)  # type: ignore[arg-type]
@given(
    data=small_ratings(),
    parameters=PARAMETERS,
    blocks=st.integers(1, 50),
    strategy=st.sampled_from(STRATEGIES),
    seed=st.integers(0, 9),
)
def test_any_data_give_the_same_factors_from_all_strategies(
    data: Small, parameters: dict[str, Any], blocks: int, strategy: str, seed: int
) -> None:
    one = ALS(max_iter=2, strategy="data-parallel", num_blocks=1, **parameters).fit(data)
    other = ALS(max_iter=2, strategy=strategy, num_blocks=blocks, **parameters)
    assert is_same(one, other.fit(data.shuffled(seed)))


# --- the hybrid adds up in another order


def is_close(a: ALS, b: ALS) -> bool:
    """To rounding in float32."""
    ids = all(np.array_equal(x, y) for x, y in zip(factors(a)[:2], factors(b)[:2], strict=True))
    return ids and all(
        np.linalg.norm(x - y) <= 1e-4 * np.linalg.norm(x)
        for x, y in zip(factors(a)[2:], factors(b)[2:], strict=True)
    )


def exchanged(data: Small) -> Small:
    return Small(data.items, data.users, data.values)


@pytest.mark.parametrize("blocks", [None, 1, 2, 5])
@pytest.mark.parametrize("mode", EXACT)
def test_the_hybrid_gives_the_same_factors_to_rounding(
    mode: str, blocks: int | None, expected: dict[str, ALS]
) -> None:
    als = als_of(mode, strategy="hybrid", num_blocks=blocks)
    assert is_close(als.fit(SOME[mode].shuffled(1)), expected[mode])
    assert als.strategy_ == "hybrid"
    # The same blocks, the same bits.
    again = als_of(mode, strategy="hybrid", num_blocks=blocks)
    assert is_same(als, again.fit(SOME[mode]))


@pytest.mark.parametrize("mode", EXACT)
def test_the_hybrid_takes_either_side_for_the_large_one(mode: str) -> None:
    data = exchanged(SOME[mode])
    assert len(np.unique(data.items)) > len(np.unique(data.users))
    one = als_of(mode, strategy="data-parallel").fit(data)
    other = als_of(mode, strategy="hybrid", num_blocks=3).fit(data)
    assert is_close(one, other)
    user = one.user_ids_[0]
    lists = [m.recommend([user], k=5)["item"].tolist() for m in (one, other)]
    assert lists[0] == lists[1]


def test_the_hybrid_keeps_ratings_where_items_are_the_large_side() -> None:
    data = exchanged(SOME["explicit"])
    one = ALS(rank=3, max_iter=3, strategy="blocked").fit(data)
    other = ALS(rank=3, max_iter=3, strategy="hybrid", num_blocks=3).fit(data)
    user, item = one.user_ids_[0], one.recommend([one.user_ids_[0]], k=1)["item"][0]
    why, also = (m.explain_recommendation(user, item) for m in (one, other))
    np.testing.assert_array_equal(why["item"], also["item"])
    np.testing.assert_array_equal(why["rating"], also["rating"])
    np.testing.assert_allclose(why["contribution"], also["contribution"], atol=1e-3)


def test_the_hybrid_is_exact_at_high_ranks_too() -> None:
    plan = {"rank": 96, "max_iter": 2, "reg": 0.5}
    one = ALS(solver="cholesky", **plan).fit(SOME["explicit"])
    assert is_close(one, ALS(strategy="hybrid", num_blocks=2, **plan).fit(SOME["explicit"]))


@pytest.mark.parametrize(
    "parameters", [{"solver": "cg"}, {"solver": "ials++"}, {"method": "gibbs"}]
)
def test_the_hybrid_refuses_what_solves_no_normal_equations(parameters: dict[str, Any]) -> None:
    name, value = next(iter(parameters.items()))
    with refused(ValueError, "strategy='hybrid' adds up", f"{name}='{value}'", "blocked"):
        ALS(strategy="hybrid", **parameters).fit(stars())
    plan = ALS(**parameters).explain(stars())
    assert plan["chosen"] != "hybrid"
    assert not plan["strategies"][-1]["feasible"]


# --- the objective


def objectives(als: ALS) -> list[float]:
    return [h["objective"] for h in als.history_]


def check_objective(als: ALS, data: Small, **parameters: Any) -> None:
    """It never rises, and it is what NumPy finds for the factors that came back."""
    known = {"implicit", "alpha", "nonnegative", "reg"}
    p = problem(*data, **{k: v for k, v in parameters.items() if k in known})  # type: ignore[arg-type]
    found = objectives(als)
    # What float32 cannot tell apart: a share of the objective at x = 0.
    zero = objective(p, 0 * als.user_factors_, 0 * als.item_factors_)
    slack = 1e-6 * zero
    assert all(b <= a + slack for a, b in pairwise(found)), found
    end = objective(p, als.user_factors_, als.item_factors_)
    assert found[-1] == pytest.approx(end, rel=1e-4, abs=1e-6 * zero)


@pytest.mark.parametrize("strategy", [*STRATEGIES, "hybrid"])
@pytest.mark.parametrize("mode", MODES)
def test_the_objective_never_rises_and_is_numpys(mode: str, strategy: str) -> None:
    parameters = {"reg": 0.05, "rank": 4, **MODES[mode]}
    als = ALS(max_iter=12, strategy=strategy, **parameters).fit(SOME[mode])
    check_objective(als, SOME[mode], **parameters)
    found = objectives(als)
    assert len(found) == 24
    assert all(b <= a * (1 + 1e-6) for a, b in pairwise(found))
    assert found[-1] < 0.9 * found[0]


@settings(max_examples=12, **HYPOTHESIS)  # type: ignore[arg-type]
@given(data=small_ratings(), parameters=PARAMETERS)
def test_any_objective_never_rises_and_is_numpys(data: Small, parameters: dict[str, Any]) -> None:
    als = ALS(max_iter=5, strategy="broadcast", **parameters).fit(data)
    check_objective(als, data, **parameters)


def test_implicit_ratings_that_are_not_above_zero_are_no_preference() -> None:
    data = SOME["implicit"]
    assert (data.values == 0).any()
    assert (data.values < 0).any()
    als = ALS(rank=3, max_iter=4, implicit=True, alpha=3.0).fit(data)
    p = problem(*data, reg=0.1, implicit=True, alpha=3.0)
    end = objective(p, als.user_factors_, als.item_factors_)
    assert objectives(als)[-1] == pytest.approx(end, rel=1e-5)


def test_nonnegative_factors_are() -> None:
    als = ALS(rank=5, max_iter=3, nonnegative=True).fit(stars())
    assert (als.user_factors_ >= 0).all()
    assert (als.item_factors_ >= 0).all()
    assert (ALS(rank=5, max_iter=3).fit(stars()).item_factors_ < 0).any()


# --- history and stopping


def test_history_has_each_half_step() -> None:
    als = ALS(rank=2, max_iter=3).fit(stars())
    assert [(h["iteration"], h["side"]) for h in als.history_] == [
        (i, side) for i in (1, 2, 3) for side in ("user", "item")
    ]
    assert all(h["seconds"] >= 0 for h in als.history_)
    assert als.n_iter_ == 3
    assert als.stop_reason_ == "max_iter=3 iterations done"
    assert als.seconds_["total"] >= als.seconds_["layout"] >= 0


def test_tol_stops_where_it_says() -> None:
    long = ALS(rank=2, max_iter=30).fit(stars())
    fallen = [1 - b / a for a, b in pairwise(objectives(long)[1::2])]
    expected = next(i for i, share in enumerate(fallen) if share <= 1e-3) + 2
    assert expected < 30
    als = ALS(rank=2, max_iter=30, tol=1e-3).fit(stars())
    assert als.n_iter_ == expected
    assert als.stop_reason_ == "the objective fell by less than tol=0.001 of it"
    short = ALS(rank=2, max_iter=expected).fit(stars())
    assert is_same(als, short)


def test_more_iterations_go_on_from_fewer() -> None:
    short = ALS(rank=3, max_iter=2).fit(stars())
    long = ALS(rank=3, max_iter=4).fit(stars())
    assert objectives(long)[:4] == objectives(short)


def test_the_seed_chooses_the_start_and_nothing_else_does() -> None:
    one, two = (ALS(rank=3, max_iter=1, random_state=7).fit(stars()) for _ in range(2))
    assert is_same(one, two)
    assert not is_same(one, ALS(rank=3, max_iter=1, random_state=8).fit(stars()))


def test_a_hundred_iterations_run() -> None:
    als = ALS(rank=2, max_iter=100, strategy="blocked").fit(stars(n_users=8, n_items=5))
    assert als.n_iter_ == 100
    assert np.isfinite(als.item_factors_).all()
