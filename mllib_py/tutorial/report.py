"""Writes the HTML report: one file, no script, nothing fetched from anywhere."""

from __future__ import annotations

import platform
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from mllib_py.tutorial.charts import bars, curve, heat, short
from mllib_py.tutorial.outcome import Outcome

BARS_WIDTH, CURVE_WIDTH, HEIGHT = 440, 900, 190


def render(outcome: Outcome, command: str, when: datetime) -> str:
    """Render a run as an HTML page.

    Parameters
    ----------
    outcome : Outcome
    command : str
        The command line that made it.
    when : datetime

    Returns
    -------
    str
        A page that stands alone.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("mllib_py.tutorial", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = short
    # Half-steps are numbered by iteration, so that a reader sees both sides of each.
    labels = [f"iteration {step['iteration']}, {step['side']} side" for step in outcome.history]
    objective = [float(step["objective"]) for step in outcome.history]
    return environment.get_template("report.html").render(
        it=outcome,
        bars=bars(outcome.histogram, BARS_WIDTH, HEIGHT),
        curve=curve(objective, labels, CURVE_WIDTH, HEIGHT) if objective else None,
        heat=heat(outcome.trials, outcome.best),
        width=BARS_WIDTH,
        curve_width=CURVE_WIDTH,
        height=HEIGHT,
        command=command,
        versions=_versions(),
        when=f"{when:%d %B %Y, %H:%M}",
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in ("mllib-py", "pyspark"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # run from a checkout that is not installed
    return {**found, "Python": platform.python_version()}
