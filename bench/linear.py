"""What linear fits cost: memory bandwidth, settings together, overhead, cores, and solvers' curves.

python -m bench.linear bandwidth            dense 50,000 x 10,000: share of the memory's speed
python -m bench.linear path                 20 settings together against one
python -m bench.linear overhead             a pass over 1,000 rows, on the driver and in Spark
python -m bench.linear scaling              one core and two, the same rows and as many a core; VW
python -m bench.linear curves               objective by passes and seconds, solver by solver
"""

from __future__ import annotations

import argparse
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import mllib_py
from bench import child, measure
from bench.peers.linear import dense
from mllib_py import linear


def _passes(model: Any, data: Any) -> tuple[float, int]:
    seconds, _ = measure.timed(lambda: model.fit(data))
    return seconds, model.report_["passes"]


def per_pass(data: Any, short: int = 3, long: int = 13, **more: Any) -> float:
    """Return the seconds of a pass: the slope between a short fit and a long one."""

    def fit(n: int) -> tuple[float, int]:
        return _passes(linear.LogisticRegression(tol=0.0, max_iter=n, **more), data)

    (a, n), (b, m) = fit(short), fit(long)
    return (b - a) / max(1, m - n)


def read_speed(x: np.ndarray, threads: int = 2) -> float:
    """Return the bytes a second at which threads sum an array up (BLAS's dot product)."""
    from threadpoolctl import threadpool_limits

    parts = np.array_split(x.reshape(-1), threads)

    def read() -> None:
        work = [threading.Thread(target=np.dot, args=(p, p)) for p in parts]
        for t in work:
            t.start()
        for t in work:
            t.join()

    with threadpool_limits(1):
        seconds, _ = measure.timed(read)
    return x.nbytes / seconds


def bandwidth(repeats: int) -> dict[str, Any]:
    """Compare a pass's bytes a second with what two threads read."""
    mllib_py.session("local[2]", memory="9g")
    rng = np.random.default_rng(0)
    out: dict[str, Any] = {}
    for dtype in (np.float32, np.float64):
        rows = 50_000 if dtype == np.float32 else 25_000
        x = np.empty((rows, 10_000), dtype=dtype)
        for part in np.array_split(np.arange(rows), 50):
            x[part] = rng.standard_normal((len(part), 10_000), dtype=np.float32)
        y = (x[:, :100].sum(axis=1) > 0).astype(int)
        data = mllib_py.layout(x, y)
        data.facts  # noqa: B018 - the moments
        shares, passes, reads = [], [], []
        for r in range(repeats + 1):
            read, one = read_speed(x), x.nbytes / per_pass(data, 2, 8, C=1e-3, solver="lbfgs")
            if r:
                shares.append(one / read)
                passes.append(one / 1e9)
                reads.append(read / 1e9)
        data.release()
        out[np.dtype(dtype).name] = {
            "rows": rows,
            "share": measure.summary(shares),
            "pass_gb_per_second": measure.summary(passes),
            "read_gb_per_second": measure.summary(reads),
        }
        print(out, flush=True)
    return out


def path(repeats: int) -> dict[str, Any]:
    """Time 20 settings of C in shared passes, against the slowest of them alone."""
    mllib_py.session("local[2]", memory="6g")
    p = dense(200_000, 100, 1e-3, "logistic")
    data = mllib_py.layout(p.x, p.y)
    data.facts  # noqa: B018 - the moments
    settings = [{"C": c / len(p.y)} for c in np.geomspace(10, 1e5, 20)]
    model = linear.LogisticRegression(tol=1e-4, max_iter=500, solver="lbfgs")
    hardest = linear.LogisticRegression(tol=1e-4, max_iter=500, solver="lbfgs", **settings[-1])
    default = linear.LogisticRegression(tol=1e-4, **settings[-1])
    one, by_default, together, apart = [], [], [], []
    for r in range(repeats + 1):
        a, _ = measure.timed(lambda: hardest.fit(data))
        d, _ = measure.timed(lambda: default.fit(data))
        b, _ = measure.timed(lambda: model.fit_path(data, settings=settings))
        c, _ = measure.timed(lambda: [model.set_params(**s).fit(data) for s in settings])
        if r:
            one.append(a)
            by_default.append(d)
            together.append(b)
            apart.append(c)
    ratio = [b / a for a, b in zip(one, together, strict=True)]
    return {
        "one": measure.summary(one),
        "one_by_default": measure.summary(by_default),
        "20_together": measure.summary(together),
        "20_one_after_the_other": measure.summary(apart),
        "times_one": measure.summary(ratio),
    }


def overhead(repeats: int) -> dict[str, Any]:
    """Time a pass over data that cost nothing to sum, and Spark's job that does nothing."""
    spark = mllib_py.session("local[2]", memory="2g")
    p = dense(1000, 10, 1e-3, "logistic")
    rows = [(r.tolist(), int(c)) for r, c in zip(p.x, p.y, strict=True)]
    frame = spark.createDataFrame(rows, "features array<double>, label int").repartition(4)
    kinds = {"driver": mllib_py.layout(p.x, p.y), "spark": mllib_py.layout(frame)}
    spark.conf.set("spark.mllib_py.driverBytes", "0")
    kinds["spark_by_jobs"] = mllib_py.layout(frame)
    out: dict[str, list[float]] = {name: [] for name in (*kinds, "empty_job", "fit_of_150_rows")}
    few = linear.LogisticRegression()
    context = spark.sparkContext._jsc
    four = context.parallelize([1, 2, 3, 4], 4)
    for r in range(5 * repeats + 3):
        seconds, _ = measure.timed(lambda: [four.count() for _ in range(20)])
        if r >= 3:
            out["empty_job"].append(50 * seconds)
        seconds, _ = measure.timed(lambda: few.fit(p.x[:150], p.y[:150]))
        if r >= 3:
            out["fit_of_150_rows"].append(1000 * seconds)
        for name, data in kinds.items():
            seconds = per_pass(data, 3, 23, C=1e6, solver="newton-cg")
            if r >= 3:
                out[name].append(1000 * seconds)
    return {f"{name}_milliseconds": measure.summary(of) for name, of in out.items()}


#: Rows of a core's share and features: many rows, and images by their dense features.
_SHAPES = ((200_000, 100), (10_000, 4_000))


def scaling(repeats: int) -> dict[str, Any]:
    """Time a pass on one core and two, the same rows and as many a core; Vowpal Wabbit beside."""
    rows = []
    for n, features in _SHAPES:
        for times, cores in [(1, 1), (1, 2), (2, 2)]:
            given = [str(times * n), str(features), str(cores), str(repeats)]
            found = child.run("bench.linear", given)
            assert found is not None
            rows.append({"rows": times * n, "features": features, "cores": cores} | found)
            print(rows[-1], flush=True)
        beside = {"rows": n, "features": features, "side": "vowpal wabbit, which has one core"}
        rows.append(beside | _vowpal_wabbit(n, features, repeats))
        print(rows[-1], flush=True)
    return {"runs": rows}


def _vowpal_wabbit(n: int, features: int, repeats: int) -> dict[str, Any]:
    """Time its passes over a cache of its own."""
    from bench.peers import vowpal_wabbit

    p = dense(n, features, 1e-3, "logistic")
    with TemporaryDirectory() as folder:
        _, cache, bits = vowpal_wabbit.lay(p.x, p.y, Path(folder))
        (_, short), (_, middle), _ = vowpal_wabbit.fits(p, cache, bits)[0][1]
        # 10 passes and 20.
        found = [100 * (measure.timed(middle)[0] - measure.timed(short)[0]) for _ in range(repeats)]
    return {"milliseconds_a_pass": measure.summary(found)}


def one_scale(arguments: list[str]) -> None:
    """Time passes in this process."""
    n, features, cores, repeats = map(int, arguments)
    mllib_py.session(f"local[{cores}]", memory="6g")
    p = dense(n, features, 1e-3, "logistic")
    data = mllib_py.layout(p.x, p.y)
    data.facts  # noqa: B018 - the moments
    found = [1000 * per_pass(data, 3, 40, C=1e-2, solver="lbfgs") for _ in range(repeats + 1)][1:]
    child.tell({"milliseconds_a_pass": measure.summary(found)})


#: Solvers by loss, and how tight their fits are.
_SOLVERS = {
    "logistic": ("lbfgs", "newton-cholesky", "newton-cg", "local-sgd", "cocoa"),
    "hinge": ("lbfgs", "cocoa"),
}
_TIGHTER = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)


def _model(loss: str, solver: str, tol: float, n: int) -> Any:
    common = {"C": 1 / (1e-3 * n), "tol": tol, "solver": solver, "max_iter": 60}
    if loss == "hinge":
        return linear.LinearSVC(loss="hinge", **common)
    return linear.LogisticRegression(**common)


def curves(repeats: int) -> dict[str, Any]:
    """Record objectives by passes and seconds of ever tighter fits, and draw them."""
    mllib_py.session("local[2]", memory="6g")
    out: dict[str, Any] = {}
    for loss, solvers in _SOLVERS.items():
        p = dense(200_000, 100, 1e-3, loss)
        data = mllib_py.layout(p.x, p.y)
        data.facts  # noqa: B018 - the moments
        out[loss] = {s: [_point(loss, s, t, data, len(p.y)) for t in _TIGHTER] for s in solvers}
        data.release()
    _draw(out)
    return out


def _point(loss: str, solver: str, tol: float, data: Any, n: int) -> dict[str, Any]:
    times = []
    for _ in range(2):  # the first warms the compiler up
        model = _model(loss, solver, tol, n)
        times.append(measure.timed(lambda m=model: m.fit(data))[0])
    report = model.report_
    return {
        "tol": tol,
        "seconds": round(times[-1], 4),
        "passes": report["passes"],
        "objective": report["objective"],
    }


def _draw(found: dict[str, Any]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(2, 2, figsize=(9, 6.5), sharey="row")
    for row, (loss, sides) in zip(axes, found.items(), strict=True):
        lowest = min(x["objective"] for points in sides.values() for x in points)
        for name, points in sides.items():
            over = [max(x["objective"] / lowest - 1, 1e-9) for x in points]
            row[0].loglog([x["passes"] for x in points], over, marker=".", label=name)
            row[1].loglog([x["seconds"] for x in points], over, marker=".", label=name)
        row[0].set_ylabel(f"{loss}: objective over the best found")
        row[0].legend()
    axes[1][0].set_xlabel("passes over the data")
    axes[1][1].set_xlabel("seconds")
    for axis in axes.ravel():
        axis.grid(alpha=0.3)
    fig.tight_layout()
    fig.savefig(Path(__file__).parents[1] / "docs" / "images" / "linear-solvers.svg")
    plt.close(fig)


PARTS = {
    "bandwidth": bandwidth,
    "path": path,
    "overhead": overhead,
    "scaling": scaling,
    "curves": curves,
}


def main() -> None:
    """Measure and write the result."""
    a = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    a.add_argument("part", choices=PARTS)
    a.add_argument("--repeats", type=int, default=3)
    args = a.parse_args()
    found = PARTS[args.part](args.repeats)
    print({k: v for k, v in found.items() if args.part != "curves"})
    measure.write(f"linear-{args.part}", found)


if __name__ == "__main__":
    child.main(main, one_scale)
