"""A study as one HTML file."""

from __future__ import annotations

import html
import os
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
import plotly.graph_objects as go
from optuna.trial import FrozenTrial, TrialState
from plotly.offline import get_plotlyjs

from mllib_py.tune import _attrs, _storage

if TYPE_CHECKING:
    from mllib_py.tune.study import Study

_COLOURS = {"COMPLETE": "#2a7f62", "PRUNED": "#d9a441", "FAIL": "#b5443c"}
#: Slots that are named beside the timeline, about.
_TICKS = 30
#: Errors that are shown in full.
_ERRORS = 20
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 1100px;
       padding: 0 1rem; color: #222; }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem }
table { border-collapse: collapse } td, th { padding: .15rem .9rem .15rem 0; text-align: left;
        vertical-align: top; font-weight: normal } th { color: #666 }
pre { background: #f6f6f4; padding: .6rem; overflow-x: auto; font-size: 12px }
p.none { color: #777 }
"""


def write(study: Study, path: Any) -> None:
    """Write a study's report to a file."""
    trials = study.trials
    if not trials:
        raise ValueError("the study has no trials to report: run it first")
    title = html.escape(study.optuna.study_name)
    body = "\n".join(_sections(study, trials))
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style><script>{get_plotlyjs()}</script></head>"
        f"<body><h1>{title}</h1>{body}</body></html>"
    )
    Path(os.fspath(path)).write_text(page, encoding="utf-8")


def _sections(study: Study, trials: list[FrozenTrial]) -> Iterator[str]:
    yield _facts(study, trials)
    given = study.optuna
    for title, draw in _plots(given):
        yield f"<h2>{title}</h2>{_drawn(draw)}"
    yield f"<h2>Slots</h2>{_drawn(lambda: timeline(trials))}"
    yield _errors(trials)


def _plots(study: optuna.Study) -> Iterator[tuple[str, Callable[[], go.Figure]]]:
    vis = optuna.visualization
    several = len(study.directions) > 1
    if several and len(study.directions) <= 3:
        yield "Pareto front", lambda: vis.plot_pareto_front(study)
    for i in range(len(study.directions)):
        more: dict[str, Any] = {}
        of = ""
        if several:
            more = {"target": lambda t, i=i: t.values[i], "target_name": f"objective {i}"}
            of = f" of objective {i}"
        for name, draw, least in (
            ("History", vis.plot_optimization_history, 1),
            ("Parallel coordinates", vis.plot_parallel_coordinate, 1),
            ("Importances", vis.plot_param_importances, 2),
        ):
            yield f"{name}{of}", partial(_enough, study, least, partial(draw, study, **more))
    if not several and any(t.intermediate_values for t in study.get_trials(deepcopy=False)):
        yield "Intermediate values", lambda: vis.plot_intermediate_values(study)


def _enough(study: optuna.Study, least: int, draw: Callable[[], go.Figure]) -> go.Figure:
    """Draw what needs so many complete trials."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < least:
        raise ValueError(f"{len(complete)} trials are complete, and it needs {least}")
    return draw()


def _drawn(draw: Callable[[], go.Figure]) -> str:
    """Draw a picture, or say why there is none: importances need trials that differ."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            figure = draw()
    except (RuntimeError, ValueError, ZeroDivisionError, ImportError) as error:
        return f'<p class="none">Not drawn: {html.escape(str(error))}</p>'
    figure.update_layout(title=None, margin={"t": 20}, template="plotly_white")
    out: str = figure.to_html(full_html=False, include_plotlyjs=False)
    return out


def timeline(trials: list[FrozenTrial]) -> go.Figure:
    """Draw which slot ran which trial when."""
    figure = go.Figure()
    placed = [t for t in trials if _attrs.RUN in t.user_attrs]
    if not placed:
        raise ValueError("no trial says where it ran")
    for state, colour in _COLOURS.items():
        found = [t for t in placed if t.state.name == state]
        runs = [t.user_attrs[_attrs.RUN] for t in found]
        figure.add_bar(
            name=_name(state),
            orientation="h",
            base=[datetime.fromtimestamp(r["began"]) for r in runs],
            x=[1000 * r["seconds"] for r in runs],
            y=[r["slot"] for r in runs],
            text=[
                f"trial {t.number}, {r['seconds']:.3g} s, {html.escape(r['host'])} ({r['pid']})"
                for t, r in zip(found, runs, strict=True)
            ],
            hoverinfo="text",
            textposition="none",
            marker={"color": colour, "line": {"color": "white", "width": 0.5}},
        )
    figure.update_layout(barmode="overlay", bargap=0.15, showlegend=True)
    figure.update_xaxes(type="date")
    slots = {t.user_attrs[_attrs.RUN]["slot"] for t in placed}
    figure.update_yaxes(title="slot", dtick=max(1, len(slots) // _TICKS))
    return figure


def _facts(study: Study, trials: list[FrozenTrial]) -> str:
    rows = [("Trials", _count(trials))]
    complete = [t for t in trials if t.state == TrialState.COMPLETE]
    if complete and len(study.optuna.directions) == 1:
        rows.append(("Best value", f"{study.best_value:.6g} (trial {study.best_trial.number})"))
        rows += [(f"  {name}", str(value)) for name, value in study.best_params.items()]
    elif complete:
        rows.append(("Best trials", str(len(study.best_trials))))
    runs = [t.user_attrs[_attrs.RUN] for t in trials if _attrs.RUN in t.user_attrs]
    if runs:
        begun = min(r["began"] for r in runs)
        ended = max(r["began"] + r["seconds"] for r in runs)
        busy = sum(r["seconds"] for r in runs)
        slots = len({r["slot"] for r in runs})
        rows.append(("First trial's start to last one's end", f"{ended - begun:.3g} s"))
        rows.append(("Sum of the trials' times", f"{busy:.3g} s on {slots} slots"))
        again = sum(r["attempts"] > 1 for r in runs)
        if again:
            rows.append(("Tried again after a lost process", str(again)))
    cells = "".join(f"<tr><th>{html.escape(k)}</th><td>{html.escape(v)}</td></tr>" for k, v in rows)
    return f"<table>{cells}</table>"


def _count(trials: list[FrozenTrial]) -> str:
    counts = {s: sum(t.state.name == s for t in trials) for s in _COLOURS}
    return ", ".join(f"{n} {_name(s)}" for s, n in counts.items())


def _errors(trials: list[FrozenTrial]) -> str:
    failed = [t for t in trials if t.state == TrialState.FAIL]
    if not failed:
        return ""
    shown = "".join(
        f"<p>Trial {t.number}: {html.escape(str(t.params))}</p>"
        f"<pre>{html.escape(str(t.user_attrs.get(_attrs.ERROR, _storage.DEAD)))}</pre>"
        for t in failed[:_ERRORS]
    )
    return f"<h2>Errors ({len(failed)}, the first {min(_ERRORS, len(failed))})</h2>{shown}"


def _name(state: str) -> str:
    return "failed" if state == TrialState.FAIL.name else state.lower()
