"""The walk through the exercise, from the ratings to your films."""

from __future__ import annotations

import json
import sys
from datetime import datetime

import mllib_py.data
from mllib_py.tutorial import grid, output, steps, telling, you
from mllib_py.tutorial.baseline import mean_baseline
from mllib_py.tutorial.extra import require_extra
from mllib_py.tutorial.options import Options
from mllib_py.tutorial.outcome import Outcome
from mllib_py.tutorial.report import render
from mllib_py.tutorial.source import choose
from mllib_py.tutorial.story import Story, counted
from mllib_py.tutorial.streams import at_a_terminal, standard_output_to_error


def run(options: Options) -> Outcome:
    """Walk through the exercise and tell it.

    Parameters
    ----------
    options : Options

    Returns
    -------
    Outcome
        What was found; the report and the model are in `options.out`.

    Raises
    ------
    ValueError
        For anything the user can put right, in one sentence.
    """
    require_extra()
    someone = at_a_terminal()
    if not options.json:
        return _walk(options, Story(sys.stdout), someone)
    with standard_output_to_error():
        outcome = _walk(options, Story(sys.stderr), someone)
    print(json.dumps(outcome.as_json(), allow_nan=False))
    return outcome


def _walk(options: Options, story: Story, someone: bool) -> Outcome:
    out = output.prepare(options.out)
    source = choose(options, story)
    telling.announce(options, source, story)
    with story.phase("start", "Start Spark"):
        steps.start(options)
    with story.phase("load", "Load the ratings"):
        data = steps.load(source, story)
    with story.phase("your_ratings", "Take your ratings"):
        profile = steps.your_ratings(options, data, story, someone)
        me, yours = you.join(data.ratings, profile)
    with story.phase("split", f"Split {options.split_in_words}"):
        parts = steps.split(options, data.ratings, yours, story)
    points = grid.settings(options.ranks, options.regs)
    with story.phase("grid", f"Fit a grid of {counted(len(points), 'model')}"):
        trials = steps.search(options, points, parts, story)
        best = grid.best_of(trials)
    with story.phase("refit", f"Fit rank {best.rank}, reg {best.reg:g} on all but the test part"):
        everything = parts.training.union(parts.validation)
        model = steps.model(options, best.rank, best.reg).fit(everything, progress=False)
        story.say(f"   {model.stop_reason_}, strategy {model.strategy_}")
    with story.phase("test", "Compare with the mean rating on the test part"):
        test_rmse = model.score(parts.test)
        mean, baseline_rmse = mean_baseline(everything, parts.test)
        story.say(f"   RMSE {test_rmse:.4f}, of the mean {baseline_rmse:.4f}")
    with story.phase("recommend", "Recommend"):
        films = you.recommend(model, me, options, profile, data)
    outcome = Outcome(
        source=source.name,
        generated=source.generated,
        format=data.folder.format,
        counts=data.counts,
        histogram=data.histogram,
        you=me,
        profile=profile,
        rated_titles=[(data.folder.title(m), r) for m, r in profile.ratings.items()],
        split=options.split_in_words,
        parts=parts.sizes,
        trials=trials,
        best=best,
        iterations=options.iterations,
        seed=options.seed,
        test_rmse=test_rmse,
        mean=mean,
        baseline_rmse=baseline_rmse,
        strategy=model.strategy_,
        stop_reason=model.stop_reason_,
        history=model.history_,
        recommendations=films,
        seconds=story.seconds,
    )
    with story.phase("save", "Save the model and the report"):
        model.save(output.inside(out, "model"), overwrite=True)
        page = render(outcome, options.as_command(), datetime.now())
        mllib_py.data.write_bytes(output.inside(out, "report.html"), page.encode())
    telling.conclude(outcome, out, story)
    return outcome
