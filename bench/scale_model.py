"""The first job of `bench.paper` at 1/100, on executors behind links of known bandwidth.

    python -m bench.scale_model                              as root: it makes network namespaces
    python -m bench.scale_model --workers 2 --rates 100,none --repeats 3

Nine times the Netflix prize is 904 million ratings; here it is 9 million by 43,217 users of 1,599
items, rank 20, 10 iterations. The driver and each executor (one core) have a namespace and a link
of their own to one switch, and the link is limited both ways (`tc tbf`). For each rate and each
strategy: seconds, and the bytes that the switch has counted, beside what the cost model of
`ALS.explain` says of just such a cluster; and how far the strategy that it names is behind the
fastest.

Whole fits from parsed ratings that rest on the executors, strategies alternating. One more fit of
each, the first and a short one, counts bytes iteration by iteration and is not timed.

A broadcast travels in pieces, of 4 MiB unless a session says otherwise, and executors pass on the
pieces that they have; so pieces are 1/100 as well (--piece), else a side's factors would be one
piece, which only the driver has. Links without a limit are priced at 10 Gbit/s, as `explain` prices
a cluster whose links it is not told.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mllib_py
from bench import child, generate, measure, network
from bench.paper import FLOPS
from bench.peers.sides import STRATEGIES

USERS, ITEMS, RATINGS, RANK, ITERATIONS = 43_217, 1_599, 9_040_000, 20, 10
# Iterations of a fit whose bytes are counted: they are all alike, but for the first.
COUNTED = 4
DRIVER = "driver"
# Bits a second for the cost model where links have no limit.
UNLIMITED = 1e10

Traffic = dict[str, tuple[int, int]]


# --- the driver's process, on a host of its own


def driver(arguments: list[str]) -> None:
    """Hold a session and the ratings, and fit with each strategy whenever asked."""
    facts = json.loads(arguments[0])
    spark = mllib_py.session(facts["master"], memory="3g", conf=_settings(facts))
    ratings = mllib_py.ratings(generate.ratings(facts["ratings"], users=USERS, items=ITEMS))
    plan = mllib_py.ALS(rank=RANK).explain(ratings)
    workers = [h for h in facts["hosts"] if h != DRIVER]
    if plan["cluster"]["executors"] != len(workers):
        raise SystemExit(f"{plan['cluster']['executors']} executors came of {len(workers)}")
    # Until now the parsed ratings rested with the driver, and no kernel was compiled.
    mllib_py.ALS(rank=RANK, max_iter=1).fit(ratings, progress=False)
    for question in child.questions():
        asked = json.loads(question)
        if asked["what"] == "seconds":
            child.tell(_seconds(ratings, asked["turn"]))
        elif asked["what"] == "jobs":
            child.tell(_jobs(spark, len(workers)))
        elif asked["what"] == "bytes":
            child.tell(_bytes(ratings, lambda: network.traffic(facts["switch"], facts["hosts"])))
        else:
            child.tell(_prices(spark, plan, asked["bits"]))


def _settings(facts: dict[str, Any]) -> dict[str, str]:
    return {
        "spark.driver.host": facts["address"],
        "spark.driver.bindAddress": facts["address"],
        "spark.executor.memory": facts["memory"],
        "spark.broadcast.blockSize": facts["piece"],
        "spark.scheduler.minRegisteredResourcesRatio": "1",
        "spark.scheduler.maxRegisteredResourcesWaitingTime": "120s",
        "spark.ui.enabled": "false",
    }


def _als(strategy: str, iterations: int) -> mllib_py.ALS:
    return mllib_py.ALS(rank=RANK, max_iter=iterations, strategy=strategy)


def _seconds(ratings: Any, turn: int) -> dict[str, Any]:
    """Fit with each strategy: seconds of the layout, of an iteration and of all."""
    out = {}
    for strategy in STRATEGIES[:: (-1) ** turn]:
        als = _als(strategy, ITERATIONS).fit(ratings, progress=False)
        steps = [h["seconds"] for h in als.history_]
        # What an executor has not seen before comes to it in the first iteration.
        later = [a + b for a, b in zip(steps[2::2], steps[3::2], strict=True)]
        out[strategy] = {
            "layout": als.seconds_["layout"],
            "iteration": statistics.median(later),
            "total": als.seconds_["total"],
        }
        print(f"  {strategy}: {out[strategy]}", flush=True)
    return out


def _bytes(ratings: Any, read: Callable[[], Traffic]) -> dict[str, Any]:
    """Fit with each strategy: bytes of an iteration, and of what comes before and after all."""
    out = {}
    for strategy in STRATEGIES:
        readings = [read()]

        def after_each(_: Any, readings: list[Traffic] = readings) -> None:
            readings.append(read())

        _als(strategy, COUNTED).fit(ratings, progress=False, callbacks=[after_each])
        readings.append(read())
        moved = [_moved(a, b) for a, b in itertools.pairwise(readings)]
        iteration = {k: statistics.median(m[k] for m in moved[1:-1]) for k in moved[0]}
        out[strategy] = {
            "per_iteration": iteration,
            "before": moved[0]["all_received"] - iteration["all_received"],
            "after": moved[-1]["all_received"],
        }
    return out


def _moved(before: Traffic, after: Traffic) -> dict[str, float]:
    """Bytes between two readings, by link and in all: each byte is received by one host."""
    out: dict[str, float] = {}
    for host, (sent, received) in after.items():
        out[f"{host}_sent"] = sent - before[host][0]
        out[f"{host}_received"] = received - before[host][1]
    return out | {"all_received": sum(v for k, v in out.items() if k.endswith("_received"))}


def _jobs(spark: Any, tasks: int) -> dict[str, float]:
    """Seconds of a job with next to nothing in it, without a shuffle and with one."""
    rdd = spark.sparkContext._jsc.parallelize(list(range(tasks)), tasks)

    def median(work: Callable[[], Any]) -> float:
        return round(statistics.median(measure.timed(work)[0] for _ in range(20)), 4)

    return {"job": median(rdd.count), "with_shuffle": median(lambda: rdd.distinct(tasks).count())}


def _prices(spark: Any, plan: dict[str, Any], bits: float) -> dict[str, Any]:
    """What the cost model says, with cores that executors have to share."""
    als = spark._jvm.mllibpy.algorithm.als
    shape, cluster = plan["shape"], plan["cluster"]
    flops = FLOPS * min(1.0, (os.cpu_count() or 1) / cluster["executors"])
    memory = [int(cluster["memory"]), int(cluster["driver_memory"])]
    facts = als.ClusterFacts(cluster["executors"], 1, *memory, False, bits / 8, flops)

    def costs(iterations: int) -> Any:
        size = [int(shape[k]) for k in ("users", "items", "ratings", "rank")]
        return als.StrategyCost.all(als.Shape(*size, iterations), facts)

    whole, start = costs(ITERATIONS), costs(0)
    out: dict[str, Any] = {"named": als.StrategyCost.choose(whole).strategy()}
    for i in range(whole.length()):
        c, before = whole.apply(i), start.apply(i).seconds()
        out[c.strategy()] = {
            "bytes_per_iteration": c.bytesPerIteration(),
            "bytes_before": c.layoutBytes(),
            "before": before,
            "iteration": (c.seconds() - before) / ITERATIONS,
            "total": c.seconds(),
        }
    return out


# --- the parent, which makes the network


def _at(rate: str, net: network.Network, fits: child.Standing, repeats: int) -> dict[str, Any]:
    """Measure one rate: all strategies, beside their prices."""
    bits = None if rate == "none" else float(rate) * 1e6
    net.shape(bits)
    print(f"links of {rate} Mbit/s" if bits else "links without a limit", flush=True)
    model = fits.ask(json.dumps({"what": "prices", "bits": bits or UNLIMITED}))
    moved = fits.ask(json.dumps({"what": "bytes"}))
    runs = [fits.ask(json.dumps({"what": "seconds", "turn": t})) for t in range(repeats)]
    jobs = fits.ask(json.dumps({"what": "jobs"}))
    print(f"a job with nothing in it: {jobs}", flush=True)
    rows = []
    for s in STRATEGIES:
        seconds = {k: measure.summary([r[s][k] for r in runs]) for k in runs[0][s]}
        price = model[s]
        rows.append(
            {
                "strategy": s,
                "seconds": seconds,
                "bytes": moved[s],
                "model": price,
                "bytes_over_model": round(
                    moved[s]["per_iteration"]["all_received"] / price["bytes_per_iteration"], 3
                ),
                "total_over_model": round(seconds["total"]["median"] / price["total"], 2),
            }
        )
        print(_line(rows[-1]), flush=True)
    totals = {r["strategy"]: r["seconds"]["total"]["median"] for r in rows}
    behind = totals[model["named"]] / min(totals.values()) - 1
    print(f"the model names {model['named']}: {behind:.0%} behind the fastest", flush=True)
    return {
        "mbit": rate,
        "named": model["named"],
        "fastest": min(totals, key=lambda s: totals[s]),
        "behind_the_fastest": round(behind, 3),
        "seconds_of_an_empty_job": jobs,
        "strategies": rows,
    }


def _line(row: dict[str, Any]) -> str:
    seconds, moved, model = row["seconds"], row["bytes"], row["model"]
    found = moved["per_iteration"]["all_received"] / 1e6
    return (
        f"{row['strategy']:<14} layout {seconds['layout']['median']:.2f} s, "
        f"iteration {seconds['iteration']['median']:.3f} s ({model['iteration']:.3f}), "
        f"total {seconds['total']['median']:.2f} s ({model['total']:.2f}); an iteration moves "
        f"{found:.2f} MB ({model['bytes_per_iteration'] / 1e6:.2f}), "
        f"before {moved['before'] / 1e6:.0f} MB ({model['bytes_before'] / 1e6:.0f}), "
        f"after {moved['after'] / 1e6:.1f} MB"
    )


def _measured(args: argparse.Namespace, net: network.Network, folder: Path) -> list[dict[str, Any]]:
    workers = [h for h in net.address if h != DRIVER]
    with network.standalone(net, DRIVER, workers, "3g", folder) as master:
        facts = {
            "master": master,
            "address": net.address[DRIVER],
            "memory": args.memory,
            "piece": args.piece,
            "ratings": args.ratings,
            "hosts": list(net.address),
            "switch": net.switch,
        }
        fits = child.Standing(
            "bench.scale_model",
            [json.dumps(facts)],
            prefix=net.inside(DRIVER),
            env=network.environment(net, DRIVER),
        )
        try:
            return [_at(rate, net, fits, args.repeats) for rate in args.rates.split(",")]
        finally:
            net.shape(None)
            fits.close()


def main() -> None:
    """Measure and write the result."""
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--workers", type=int, default=3)
    p.add_argument("--rates", default="100,1000,none", help="Mbit/s of each link, with commas")
    p.add_argument("--ratings", type=int, default=RATINGS)
    p.add_argument("--repeats", type=int, default=1)
    p.add_argument("--memory", default="1536m", help="of an executor")
    p.add_argument("--piece", default="40k", help="of a broadcast")
    args = p.parse_args()
    # Ended from outside, the network is taken down all the same.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    net = network.Network([DRIVER, *(f"worker{i + 1}" for i in range(args.workers))])
    try:
        with tempfile.TemporaryDirectory() as folder:
            rows = _measured(args, net, Path(folder))
    finally:
        net.close()
    shape = {"users": USERS, "items": ITEMS, "ratings": args.ratings, "rank": RANK}
    about = {"iterations": ITERATIONS, "executors": args.workers, "cores_of_an_executor": 1}
    measure.write(
        "scale-model",
        shape | about | {"flops_per_core": FLOPS, "broadcast_piece": args.piece, "rates": rows},
    )


if __name__ == "__main__":
    child.main(main, driver)
