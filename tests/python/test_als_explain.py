"""What a strategy would cost, on this cluster or a pretended one, and which one is taken."""

from __future__ import annotations

from typing import Any

import pytest
from support.refusal import refused
from support.small import stars

import mllib_py
from mllib_py import ALS

pytestmark = pytest.mark.usefixtures("spark")

DATA = stars()
STRATEGIES = ["broadcast", "data-parallel", "blocked", "hybrid"]
# At rank 10: 25 users and 15 items have 1600 bytes of factors, the ratings about twice that.
BIG = {"executors": 4, "cores": 2, "memory": 10**9, "driver_memory": 10**9}


def test_the_estimates_are_printed_with_the_choice(capsys: pytest.CaptureFixture[str]) -> None:
    plan = ALS().explain(DATA)
    said = capsys.readouterr().out
    assert "25 users x 15 items" in said
    assert f"{len(DATA.users)} ratings" in said
    for strategy in STRATEGIES:
        assert f"\n{strategy} " in said
    assert f"-> {plan['chosen']}: {plan['reason']}" in said.splitlines()[-1]


def test_the_plan_has_the_facts() -> None:
    plan = ALS(rank=7, max_iter=4).explain(DATA)
    n = len(DATA.users)
    assert plan["shape"] == {"users": 25, "items": 15, "ratings": n, "rank": 7, "iterations": 4}
    assert plan["cluster"]["local"] is True
    assert plan["cluster"]["cores"] == 2
    assert [s["strategy"] for s in plan["strategies"]] == STRATEGIES
    for s in plan["strategies"]:
        assert s["feasible"] is True
        assert s["why_not"] is None
        assert s["seconds"] > 0
        assert min(s["layout_bytes"], s["executor_memory"], s["driver_memory"]) > 0


@pytest.mark.parametrize(
    ("parameters", "rank", "iterations"),
    [
        ({"biases": True}, 9, 4),
        ({"method": "gibbs", "burn_in": 5, "n_samples": 3, "thin": 2}, 9, 11),
    ],
)
def test_the_plan_is_of_the_whole_fit(
    parameters: dict[str, Any], rank: int, iterations: int
) -> None:
    shape = ALS(rank=7, max_iter=4, **parameters).explain(DATA)["shape"]
    assert (shape["rank"], shape["iterations"]) == (rank, iterations)


def test_auto_takes_what_explain_says() -> None:
    als = ALS(rank=3, max_iter=1)
    assert als.fit(DATA).strategy_ == als.explain(DATA)["chosen"]


def test_the_fastest_that_fits_is_chosen() -> None:
    plan = ALS().explain(DATA, cluster=BIG)
    fastest = min(plan["strategies"], key=lambda s: s["seconds"])
    assert plan["chosen"] == fastest["strategy"]
    assert plan["reason"].startswith("the fastest that fits")


def test_weights_are_counted() -> None:
    table = DATA.frame().assign(w=1.0)
    plain, heavy = (
        ALS(weight_col=w).explain(table, cluster=BIG)["strategies"] for w in (None, "w")
    )
    for a, b in zip(plain, heavy, strict=True):
        assert b["layout_bytes"] > a["layout_bytes"]
        assert b["executor_memory"] > a["executor_memory"]


@pytest.mark.parametrize(
    ("cluster", "chosen", "ruled_out"),
    [
        ({"memory": 5000}, "data-parallel", ["broadcast", "hybrid"]),
        ({"driver_memory": 2000}, "blocked", ["broadcast", "data-parallel", "hybrid"]),
    ],
)
def test_what_does_not_fit_is_ruled_out_with_the_reason(
    cluster: dict[str, Any], chosen: str, ruled_out: list[str]
) -> None:
    plan = ALS().explain(DATA, cluster=BIG | cluster)
    assert plan["chosen"] == chosen
    for s in plan["strategies"]:
        assert s["feasible"] is (s["strategy"] not in ruled_out)
        if not s["feasible"]:
            where = "driver" if "driver_memory" in cluster else "executor"
            assert f"in the {where} that has" in s["why_not"] or "executor" in s["why_not"]
            assert s["strategy"] in plan["reason"]


def test_where_nothing_fits_the_least_is_chosen() -> None:
    plan = ALS().explain(DATA, cluster=BIG | {"memory": 10, "driver_memory": 10})
    assert not any(s["feasible"] for s in plan["strategies"])
    assert plan["reason"].startswith("none fits")
    least = min(plan["strategies"], key=lambda s: max(s["executor_memory"], s["driver_memory"]))
    assert plan["chosen"] == least["strategy"]


def test_a_strategy_asked_for_by_name_is_taken() -> None:
    plan = ALS(strategy="broadcast").explain(DATA, cluster=BIG | {"driver_memory": 2000})
    assert (plan["chosen"], plan["reason"]) == ("broadcast", "asked for by name")


def test_a_large_cluster_can_be_pretended() -> None:
    cluster = {"executors": 1000, "cores": 16, "memory": 64 * 10**9, "bandwidth": 2.5e9}
    plan = ALS(rank=64).explain(DATA, cluster=cluster)
    for fact, value in cluster.items():
        assert plan["cluster"][fact] == value
    assert plan["cluster"]["local"] is False


def test_explain_fits_nothing_and_releases_what_it_took() -> None:
    als = ALS()
    r = mllib_py.ratings(DATA)
    als.explain(r)
    als.explain(DATA.frame())
    assert not hasattr(als, "history_")
    assert r.n_ratings == len(DATA.users)
    r.release()


BAD: list[tuple[Any, type[Exception], str]] = [
    ({"nodes": 3}, ValueError, "cluster has no fact 'nodes'"),
    ({"executors": 0}, ValueError, "cluster: executors must be"),
    ({"cores": -2}, ValueError, "cluster: cores must be"),
    ({"memory": float("nan")}, ValueError, "cluster: memory must be"),
    ({"memory": float("inf")}, ValueError, "cluster: memory must be"),
    ({"memory": "8g"}, ValueError, "cluster: memory must be"),
    ({"bandwidth": True}, ValueError, "cluster: bandwidth must be"),
    ({"executors": None}, ValueError, "cluster: executors must be"),
    ([3, 4], TypeError, "cluster must be a dict"),
    ("big", TypeError, "cluster must be a dict"),
]


@pytest.mark.parametrize(("cluster", "kind", "said"), BAD, ids=[str(c) for c, _, _ in BAD])
def test_facts_that_are_none(cluster: Any, kind: type[Exception], said: str) -> None:
    with refused(kind, said):
        ALS().explain(DATA, cluster=cluster)


def test_bad_parameters_and_data_are_refused_as_in_fit() -> None:
    with refused(ValueError, "rank must be at least 1"):
        ALS(rank=0).explain(DATA)
    with refused(ValueError, "NaN"):
        ALS().explain(([1], [2], [float("nan")]))
