"""What a run says before it begins and when it is done."""

from __future__ import annotations

from mllib_py.tutorial import output
from mllib_py.tutorial.options import Options
from mllib_py.tutorial.outcome import Outcome
from mllib_py.tutorial.source import Source
from mllib_py.tutorial.story import Story, counted

# A film with fewer ratings than this is marked in your list.
FEW = 10


def announce(options: Options, source: Source, story: Story) -> None:
    """Say what will happen."""
    fits = len(options.ranks) * len(options.regs)
    story.say("MovieLens: recommend films to you with ALS on Spark")
    story.say(f"""
   data      {source.name}
   plan      load the ratings, add yours, split them 80/10/10, fit {counted(fits, "model")},
             fit the best again, compare it with the mean rating, recommend
   strategy  {options.strategy}
   results   in {options.out}""")


def conclude(outcome: Outcome, out: str, story: Story) -> None:
    """Say how good the model is, what it recommends, and where the results are."""
    share = outcome.improvement
    story.say(f"""
Test RMSE {outcome.test_rmse:.4f}; the mean rating, {outcome.mean:.3f} for everything, gets \
{outcome.baseline_rmse:.4f}: {abs(share):.1%} {"better" if share >= 0 else "worse"}.

Films for you""")
    for place, film in enumerate(outcome.recommendations, start=1):
        few = f"  (rated by {film.n_ratings})" if film.n_ratings < FEW else ""
        story.say(f"   {place:2d}  {film.score:4.2f}  {film.title}{few}")
    if any(film.n_ratings < FEW for film in outcome.recommendations):
        story.say(f"   With few ratings a high score may be chance: see --min-ratings {FEW}.")
    story.say(f"""
Report: {output.inside(out, "report.html")}
Model:  {output.inside(out, "model")}, for mllib_py.load""")
