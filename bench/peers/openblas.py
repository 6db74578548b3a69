"""pyspark.ml's ALS with OpenBLAS as its native BLAS, beside Spark as installed and ours.

    python -m bench.peers.openblas                     generated, of MovieLens 1M's shape
    python -m bench.peers.openblas --data FOLDER_OF_ML_1M
    python -m bench.peers.openblas --libraries FOLDER  which has libblas.so.3 and liblapack.so.3

Spark calls whatever libblas.so.3 and liblapack.so.3 its JVM finds, and Java code where there are
none. OpenBLAS is Debian's, downloaded by apt and unpacked in a folder that goes in the end: nothing
is installed, and Spark as installed does not see it. Two sessions of two threads stay side by side,
one of them with that folder on its library path, and fit in turn, from the same cached ratings
until the factors are there. OpenBLAS has one thread of its own for each that calls: the tasks are
the threads. The result says which classes and which files the JVMs have really used. Beside the
seconds stand those of the processors, which others on the machine disturb less.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import mllib_py
from bench import child, generate, measure
from bench.peers.als import columns
from bench.peers.sides import Ours, Problem, Side, Spark, quality

PACKAGES = ("libopenblas0-pthread", "libgfortran5", "libquadmath0")
INSTALLED, OPENBLAS = "as installed", "OpenBLAS"
# Who fits, and in which of the two sessions.
SIDES: dict[str, tuple[Side, str]] = {
    "ours": (Ours("auto"), INSTALLED),
    "pyspark.ml, as installed": (Spark(), INSTALLED),
    "pyspark.ml, OpenBLAS": (Spark(), OPENBLAS),
}


def fits(arguments: list[str]) -> None:
    """Hold a session and the ratings, and fit whenever asked."""
    args = parser().parse_args(arguments)
    spark = mllib_py.session("local[2]", memory="6g")
    data = generate.ratings(1_000_000, users=6_000, items=3_700)
    if args.data is not None:
        data = columns(argparse.Namespace(what="ml-1m", data=args.data))
    problem = Problem(spark, data, rank=args.rank, reg=0.06, alpha=None)
    assert problem.train is not None
    for question in child.questions():
        name, iterations = json.loads(question)
        found = _fit(spark, SIDES[name][0], problem, iterations)
        child.tell(found | {"blas": _native(spark), "n_train": problem.n_train})


def _fit(spark: Any, side: Side, problem: Problem, iterations: int) -> dict[str, Any]:
    before = _cpu_seconds(spark)
    seconds, model = measure.timed(lambda: side.fit(problem, iterations))
    cpu = _cpu_seconds(spark) - before
    return {"seconds": seconds, "cpu_seconds": cpu} | quality(problem, side.factors(model))


def _of_the_jvm(spark: Any, file: str) -> str:
    return Path(f"/proc/{spark._jvm.java.lang.ProcessHandle.current().pid()}/{file}").read_text()


def _cpu_seconds(spark: Any) -> float:
    user, system = _of_the_jvm(spark, "stat").rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _native(spark: Any) -> dict[str, Any]:
    """Say what stands for the native BLAS and LAPACK, and which OpenBLAS the JVM has mapped."""
    jvm = spark._jvm
    maps = _of_the_jvm(spark, "maps").splitlines()
    files = {line.split()[-1] for line in maps if "openblas" in line}
    # What pyspark.ml's ALS calls for the sums of outer products, and for the solution of a row.
    blas = _scala_object(jvm.org.apache.spark.ml.linalg, "BLAS").nativeBLAS()
    lapack = _scala_object(jvm.org.apache.spark.mllib.linalg, "LAPACK").nativeLAPACK()
    return {
        "blas": blas.getClass().getName(),
        "lapack": lapack.getClass().getName(),
        "openblas": sorted(Path(f).name for f in files),
    }


def _scala_object(package: Any, name: str) -> Any:
    return getattr(getattr(package, f"{name}$"), "MODULE$")


def unpacked(folder: Path) -> list[Path]:
    """Download Debian's OpenBLAS and what it needs, and unpack them; return the library folders."""
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise SystemExit("no apt-get or dpkg here: name a folder of OpenBLAS by --libraries")
    for package in PACKAGES:
        _run(["apt-get", "download", package], folder)
    for file in folder.glob("*.deb"):
        _run(["dpkg", "-x", file.name, "."], folder)
    return sorted({f.parent for f in folder.rglob("lib*.so*")})


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr.strip()}")


def _environment(libraries: list[Path]) -> dict[str, str]:
    path = os.pathsep.join([*map(str, libraries), os.environ.get("LD_LIBRARY_PATH", "")])
    return os.environ | {"LD_LIBRARY_PATH": path.rstrip(os.pathsep), "OPENBLAS_NUM_THREADS": "1"}


def compared(sessions: dict[str, child.Standing], repeats: int) -> dict[str, Any]:
    """Alternate fits of 10 iterations, after one short one of each that is not counted."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in SIDES}
    for r in range(repeats + 1):
        for name, (_, where) in list(SIDES.items())[:: (-1) ** r]:
            found = sessions[where].ask(json.dumps([name, 10 if r else 2]))
            print(f"{name}: {found}", flush=True)
            if where == OPENBLAS and not found["blas"]["openblas"]:
                raise SystemExit("Spark has not loaded OpenBLAS, so there is nothing to compare")
            if r:
                runs[name].append(found)
    clocks = ("seconds", "cpu_seconds")
    sides = {
        name: found[-1] | {c: measure.summary([f[c] for f in found]) for c in clocks}
        for name, found in runs.items()
    }
    return {"sides": sides} | {f"times_less_{c}": _ratios(sides, c) for c in clocks}


def _ratios(sides: dict[str, Any], clock: str) -> dict[str, float]:
    """How many times less ours takes than each peer."""
    ours = sides["ours"][clock]["median"]
    return {n: round(s[clock]["median"] / ours, 1) for n, s in sides.items() if n != "ours"}


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--data", type=Path, help="folder of ml-1m")
    p.add_argument("--rank", type=int, default=64)
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--libraries", type=Path, help="folder of an OpenBLAS")
    return p


def main() -> None:
    """Run the comparison and write the result."""
    args = parser().parse_args()
    told = ["--rank", str(args.rank)] + (["--data", str(args.data)] if args.data else [])
    with tempfile.TemporaryDirectory() as folder:
        libraries = [args.libraries.resolve()] if args.libraries else unpacked(Path(folder))
        environments = {INSTALLED: None, OPENBLAS: _environment(libraries)}
        sessions: dict[str, child.Standing] = {}
        try:
            for name, env in environments.items():
                sessions[name] = child.Standing("bench.peers.openblas", told, env=env)
            result = compared(sessions, args.repeats)
        finally:
            for session in sessions.values():
                session.close()
    what = "ml-1m" if args.data else "generated as ml-1m"
    shape = {"what": what, "rank": args.rank, "iterations": 10}
    print(json.dumps(result, indent=2))
    measure.write(f"als-openblas-rank{args.rank}", shape | result)


if __name__ == "__main__":
    child.main(main, fits)
