"""The notebook of the tuning guide, run as a reader runs it: each code cell in order."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

NOTEBOOK = Path(__file__).parents[2] / "examples" / "tuning.ipynb"

# Without Jupyter: a cell is a program whose last expression may stand alone.
RUN = """
import json, sys
names = {"__name__": "__main__"}
for number, source in json.load(sys.stdin):
    exec(compile(source, f"cell {number}", "exec"), names)
search, study, asha = names["search"], names["study"], names["asha"]
print(json.dumps({
    "scores": [search.score(names["X_test"], names["y_test"]), study.best_value],
    "ended": study.tally.ended,
    "pruned": study.tally.pruned,
    "curve": len(names["curve"].frame()),
    "trials": asha.n_trials_,
}))
"""


def test_its_cells_run_and_find_what_it_says(tmp_path: Path) -> None:
    book = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cells = [
        (number, "".join(cell["source"]))
        for number, cell in enumerate(book["cells"])
        if cell["cell_type"] == "code"
    ]
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=tmp_path,
        input=json.dumps(cells),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert min(told["scores"]) > 0.9
    assert told["ended"] == told["trials"]["complete"] + told["trials"]["pruned"] == 24
    assert told["pruned"] > 0
    assert told["curve"] == 5
    assert "plotly" in (tmp_path / "study.html").read_text(encoding="utf-8").lower()


def test_it_is_kept_without_outputs() -> None:
    book = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert book["nbformat"] == 4
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    kept = [c["outputs"] for c in book["cells"] if c["cell_type"] == "code" and c["outputs"]]
    assert kept == []
