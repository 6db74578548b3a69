"""Make als.json: small data, and the optima that plain NumPy reaches on them from many starts.

.venv/bin/python tests/golden/make_als.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from golden.reference_als import converge, objective, problem
from support.small import plays, stars

STARTS = 12
CASES: dict[str, dict[str, Any]] = {
    "explicit": {"data": stars(), "rank": 3, "reg": 0.06},
    "explicit, rank 5": {"data": stars(40, 25, 0.4, seed=3), "rank": 5, "reg": 0.06},
    "implicit": {"data": plays(), "rank": 3, "reg": 0.1, "implicit": True, "alpha": 2.0},
    "nonnegative": {"data": stars(), "rank": 3, "reg": 0.06, "nonnegative": True},
    "implicit, nonnegative": {
        "data": plays(),
        "rank": 3,
        "reg": 0.05,
        "implicit": True,
        "alpha": 1.0,
        "nonnegative": True,
    },
}


def made(data: Any, rank: int, **parameters: Any) -> dict[str, Any]:
    """A case with its data and its optima, ascending."""
    p = problem(*data, **parameters)
    reached = [objective(p, *converge(p, rank, seed)) for seed in range(STARTS)]
    return {
        "parameters": {"rank": rank, **parameters},
        "users": data.users.tolist(),
        "items": data.items.tolist(),
        "values": data.values.tolist(),
        "optima": sorted({float(f"{o:.7g}") for o in reached}),
    }


def main() -> None:
    """Write als.json beside this script."""
    cases = []
    for name, case in CASES.items():
        facts = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in made(**case).items()]
        cases.append(f"{json.dumps(name)}: {{\n  " + ",\n  ".join(facts) + "\n }")
    text = "{\n " + ",\n ".join(cases) + "\n}\n"
    Path(__file__).with_name("als.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    np.seterr(all="raise")
    main()
