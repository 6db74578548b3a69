"""The walk through the exercise, from the ratings to your films."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass, fields
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

import mllib_py
import mllib_py.data
from mllib_py.tutorial import grid, output, prompt, you
from mllib_py.tutorial.baseline import mean_baseline
from mllib_py.tutorial.extra import require_extra
from mllib_py.tutorial.folder import MovieFolder, open_folder
from mllib_py.tutorial.options import Options
from mllib_py.tutorial.outcome import Counts, Outcome
from mllib_py.tutorial.profile import Profile, read_profile, sample_profile
from mllib_py.tutorial.report import render
from mllib_py.tutorial.source import Source, choose
from mllib_py.tutorial.story import Story
from mllib_py.tutorial.streams import at_a_terminal, standard_output_to_error

PARTS = (0.8, 0.1, 0.1)


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
    print(json.dumps(outcome.as_json(), ensure_ascii=False, allow_nan=False))
    return outcome


@dataclass(frozen=True)
class _Data:
    """The ratings as they were found."""

    folder: MovieFolder
    ratings: mllib_py.Ratings
    counts: Counts
    histogram: dict[float, int]


@dataclass(frozen=True)
class _Parts:
    """The ratings as they are used; yours are in `training`."""

    training: mllib_py.Ratings
    validation: mllib_py.Ratings
    test: mllib_py.Ratings
    sizes: tuple[int, int, int]


def _walk(options: Options, story: Story, someone: bool) -> Outcome:
    out = output.prepare(options.out)
    source = choose(options, story)
    _announce(options, source, story)
    with story.phase("start", "Start Spark"):
        mllib_py.session(master=options.master, app_name="mllib_py movielens")
    with story.phase("load", "Load the ratings"):
        data = _load(source, story)
    with story.phase("your_ratings", "Take your ratings"):
        profile = _your_ratings(options, data, story, someone)
        me, yours = you.join(data.ratings, profile)
    with story.phase("split", f"Split {'by time' if options.split == 'time' else 'at random'}"):
        parts = _split(options, data.ratings, yours, story)
    points = grid.settings(options.ranks, options.regs)
    with story.phase("grid", f"Fit a grid of {len(points)} models"):
        trials = _search(options, points, parts, story)
        best = grid.best_of(trials)
    with story.phase("refit", f"Fit rank {best.rank}, reg {best.reg:g} on all but the test part"):
        everything = parts.training.union(parts.validation)
        model = _model(options, best.rank, best.reg).fit(everything, progress=False)
        story.say(f"   {model.stop_reason_}")
    with story.phase("test", "Compare with the mean rating on the test part"):
        test_rmse = model.score(parts.test)
        mean, baseline_rmse = mean_baseline(everything, parts.test)
    with story.phase("recommend", "Recommend"):
        films = you.recommend(model, me, options.k, profile, data.folder)
    outcome = Outcome(
        source=source.name,
        generated=source.generated,
        format=data.folder.format,
        counts=data.counts,
        histogram=data.histogram,
        you=me,
        profile=profile,
        rated_titles=[(data.folder.title(m), r) for m, r in profile.ratings.items()],
        split="by time" if options.split == "time" else "at random",
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
        model.save(output.inside(out, "model"))
        page = render(outcome, command_line(options), _versions(), datetime.now())
        mllib_py.data.write_bytes(output.inside(out, "report.html"), page.encode())
    _conclude(outcome, out, story)
    return outcome


def _announce(options: Options, source: Source, story: Story) -> None:
    fits = len(options.ranks) * len(options.regs)
    story.say("MovieLens: recommend films to you with ALS on Spark")
    story.say(f"""
   data      {source.name}
   plan      load the ratings, add yours, split them 80/10/10, fit {fits} small models,
             fit the best again, compare it with the mean rating, recommend
   strategy  {options.strategy}
   results   in {options.out}""")


def _load(source: Source, story: Story) -> _Data:
    folder = open_folder(source.uri)
    ratings = folder.ratings()
    counts = Counts(ratings.n_ratings, ratings.n_users, ratings.n_items)
    story.say(
        f"   {folder.format}: {counts.ratings:,} ratings by {counts.users:,} users "
        f"of {counts.movies:,} films, mean {ratings.mean:.3f}"
    )
    return _Data(folder, ratings, counts, ratings.histogram())


def _your_ratings(options: Options, data: _Data, story: Story, someone: bool) -> Profile:
    titles = data.folder.titles
    if options.my_ratings is not None:
        profile = read_profile(options.my_ratings, titles)
    else:
        known = [m for m, _ in data.ratings.top_items(data.counts.movies) if m in titles]
        profile = Profile({}, "")
        if someone:
            films = known[: prompt.FILMS_ASKED]
            profile = prompt.ask(films, titles, answers=sys.stdin, questions=story.stream)
        if not profile.ratings:
            profile = sample_profile(titles, known)
    story.say(f"   {len(profile.ratings)} ratings from {profile.origin}")
    for movie, rating in profile.ratings.items():
        story.say(f"   {rating:4g}  {titles[movie]}")
    return profile


def _split(
    options: Options, ratings: mllib_py.Ratings, yours: mllib_py.Ratings, story: Story
) -> _Parts:
    if options.split == "time" and not ratings.has_timestamps:
        raise ValueError("These ratings have no timestamps; use --split random.")
    training, validation, test = ratings.split(list(PARTS), seed=options.seed, by=options.split)
    # Yours are for learning your taste, so they are never held back.
    training = training.union(yours)
    sizes = (training.n_ratings, validation.n_ratings, test.n_ratings)
    if 0 in sizes:
        raise ValueError(f"{ratings.n_ratings} ratings are too few to split in three.")
    story.say(
        f"   {sizes[0]:,} for training (yours among them), {sizes[1]:,} for validation, "
        f"{sizes[2]:,} for the test"
    )
    return _Parts(training, validation, test, sizes)


def _search(
    options: Options, points: list[grid.Setting], parts: _Parts, story: Story
) -> list[grid.Trial]:
    with story.bar(len(points), "fit") as bar:

        def tell(trial: grid.Trial) -> None:
            bar.clear()
            story.say(
                f"   rank {trial.rank:3d}  reg {trial.reg:<5g}  "
                f"validation RMSE {trial.validation_rmse:.4f}  {trial.seconds:6.1f} s"
            )
            bar.update()

        def make(rank: int, reg: float) -> mllib_py.ALS:
            return _model(options, rank, reg)

        return grid.search(points, parts.training, parts.validation, make, tell)


def _model(options: Options, rank: int, reg: float) -> mllib_py.ALS:
    return mllib_py.ALS(
        rank=rank,
        reg=reg,
        max_iter=options.iterations,
        strategy=options.strategy,
        random_state=options.seed,
    )


def _conclude(outcome: Outcome, out: str, story: Story) -> None:
    share = outcome.improvement
    story.say(f"""
Test RMSE {outcome.test_rmse:.4f}, of the mean rating {outcome.mean:.3f}: \
{outcome.baseline_rmse:.4f}; {abs(share):.1%} {"better" if share >= 0 else "worse"} than the mean.

Films for you""")
    for place, film in enumerate(outcome.recommendations, start=1):
        story.say(f"   {place:2d}  {film.score:4.2f}  {film.title}")
    story.say(f"""
Report: {output.inside(out, "report.html")}
Model:  {output.inside(out, "model")}, read it with mllib_py.load""")


def command_line(options: Options) -> str:
    """Return the command that asks for these options."""
    words = ["mllib-py", "movielens"]
    for field in fields(options):
        value = getattr(options, field.name)
        if value == field.default:
            continue
        words.append("--" + field.name.replace("_", "-"))
        if value is not True:
            words.append(",".join(map(str, value)) if isinstance(value, tuple) else str(value))
    return shlex.join(words)


def _versions() -> dict[str, str]:
    found = {}
    for name in ("mllib-py", "pyspark"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
