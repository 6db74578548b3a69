"""Seconds per iteration as ratings grow from 1 to 80 million, and from one core to two.

    python -m bench.scaling                       1, 5, 20 and 80 million; one core and two at 20
    python -m bench.scaling --millions 1,5

Generated ratings, 145 a user, 27,000 items; rank 64, explicit. An iteration is timed by the slope
between fits of 1 and of 4.
"""

from __future__ import annotations

import argparse

import mllib_py
from bench import child, generate, measure

RANK = 64


def fits(arguments: list[str]) -> None:
    """Time fits of 1 and 4 iterations in this process."""
    millions, cores = float(arguments[0]), int(arguments[1])
    n = int(millions * 1e6)
    mllib_py.session(f"local[{cores}]", memory="14g")
    ratings = mllib_py.ratings(generate.ratings(n, users=max(1000, n // 145)))
    mllib_py.ALS(rank=RANK, max_iter=2).fit(ratings, progress=False)
    slopes, ones = [], []
    for _ in range(3):
        one, _ = measure.timed(lambda: mllib_py.ALS(rank=RANK, max_iter=1).fit(ratings))
        four, _ = measure.timed(lambda: mllib_py.ALS(rank=RANK, max_iter=4).fit(ratings))
        slopes.append((four - one) / 3)
        ones.append(one)
    child.tell({"seconds_per_iteration": slopes, "fit_of_1_iteration": ones})


def main() -> None:
    """Measure and write the result."""
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--millions", default="1,5,20,80")
    p.add_argument("--cores-at", default="20", help="millions at which one core is timed as well")
    args = p.parse_args()
    rows = []
    for millions in args.millions.split(","):
        for cores in (1, 2) if millions == args.cores_at else (2,):
            found = child.run("bench.scaling", [millions, str(cores)])
            if found is None:
                print(f"{millions}M on {cores} cores failed")
                continue
            one = measure.summary(found["seconds_per_iteration"])
            per_rating = one["median"] / float(millions) * 1000
            rows.append(
                {
                    "millions": float(millions),
                    "cores": cores,
                    "seconds_per_iteration": one,
                    "ns_per_rating": round(per_rating, 1),
                    "fit_of_1_iteration": measure.summary(found["fit_of_1_iteration"]),
                }
            )
            print(rows[-1], flush=True)
            # After each: the largest may not end in the time there is.
            measure.write("scaling", {"rank": RANK, "rows": rows})


if __name__ == "__main__":
    child.main(main, fits)
