"""The steps of the walk that look at data or fit models."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import mllib_py
from mllib_py.tutorial import grid, prompt
from mllib_py.tutorial.folder import MovieFolder, open_folder
from mllib_py.tutorial.options import Options
from mllib_py.tutorial.outcome import Counts
from mllib_py.tutorial.profile import Profile, read_profile, sample_profile
from mllib_py.tutorial.source import Source
from mllib_py.tutorial.story import Story, counted

PARTS = (0.8, 0.1, 0.1)


@dataclass(frozen=True)
class Data:
    """The ratings as they were found; `popularity` counts them by film, the most rated first."""

    folder: MovieFolder
    ratings: mllib_py.Ratings
    counts: Counts
    histogram: dict[float, int]
    popularity: dict[int, int]


@dataclass(frozen=True)
class Parts:
    """The ratings as they are used; yours are in `training`."""

    training: mllib_py.Ratings
    validation: mllib_py.Ratings
    test: mllib_py.Ratings
    sizes: tuple[int, int, int]


def start(options: Options) -> None:
    """Start Spark, or attach to a session that runs."""
    try:
        mllib_py.session(master=options.master, app_name="mllib_py movielens")
    except mllib_py.MLlibError:
        raise
    except RuntimeError as error:
        # What is missing here (Java, the jar) is the user's to install, and the error says how.
        raise ValueError(str(error)) from error


def load(source: Source, story: Story) -> Data:
    """Find the files, read the titles, and count what is there."""
    folder = open_folder(source.uri)
    ratings = folder.ratings()
    counts = Counts(ratings.n_ratings, ratings.n_users, ratings.n_items)
    story.say(
        f"   {folder.format}: {counts.ratings:,} ratings by {counted(counts.users, 'user')} "
        f"of {counted(counts.movies, 'film')}, mean {ratings.mean:.3f}"
    )
    popularity = dict(ratings.top_items(counts.movies))
    return Data(folder, ratings, counts, ratings.histogram(), popularity)


def your_ratings(options: Options, data: Data, story: Story, someone: bool) -> Profile:
    """Take your ratings from the file, the terminal or the sample profile."""
    titles = data.folder.titles
    if options.my_ratings is not None:
        profile = read_profile(options.my_ratings, titles)
    else:
        known = [movie for movie in data.popularity if movie in titles]
        profile = Profile({}, "")
        if someone:
            films = known[: prompt.FILMS_ASKED]
            profile = prompt.ask(films, titles, answers=sys.stdin, questions=story.stream)
        if not profile.ratings:
            profile = sample_profile(titles, known)
    story.say(f"   {counted(len(profile.ratings), 'rating')} from {profile.origin}")
    for movie, rating in profile.ratings.items():
        story.say(f"   {rating:4g}  {titles[movie]}")
    return profile


def split(
    options: Options, ratings: mllib_py.Ratings, yours: mllib_py.Ratings, story: Story
) -> Parts:
    """Split the ratings 80/10/10 and put yours into the training part."""
    if options.split == "time" and not ratings.has_timestamps:
        raise ValueError("These ratings have no timestamps; use --split random.")
    training, validation, test = ratings.split(list(PARTS), seed=options.seed, by=options.split)
    # Yours are for learning your taste, so they are never held back.
    training = training.union(yours)
    sizes = (training.n_ratings, validation.n_ratings, test.n_ratings)
    if 0 in sizes:
        raise ValueError(f"{counted(ratings.n_ratings, 'rating')} are too few to split in three.")
    story.say(
        f"   {sizes[0]:,} for training (yours among them), {sizes[1]:,} for validation, "
        f"{sizes[2]:,} for the test"
    )
    if options.split == "time":
        story.say("   users and films that appear only later get the mean rating")
    return Parts(training, validation, test, sizes)


def search(
    options: Options, points: list[grid.Setting], parts: Parts, story: Story
) -> list[grid.Trial]:
    """Fit the grid, telling each result as it comes."""
    with story.bar(len(points), "fit") as bar:

        def tell(trial: grid.Trial) -> None:
            bar.clear()
            story.say(
                f"   rank {trial.rank:3d}  reg {trial.reg:<5g}  "
                f"validation RMSE {trial.validation_rmse:.4f}  {trial.seconds:6.1f} s"
            )
            bar.update()
            bar.refresh()

        def make(rank: int, reg: float) -> mllib_py.ALS:
            return model(options, rank, reg)

        return grid.search(points, parts.training, parts.validation, make, tell)


def model(options: Options, rank: int, reg: float) -> mllib_py.ALS:
    """Return an ALS that is not fitted."""
    return mllib_py.ALS(
        rank=rank,
        reg=reg,
        max_iter=options.iterations,
        strategy=options.strategy,
        # So that the test part is whole, as it is for the baseline: a film that nobody rated in
        # training gets the mean from both.
        cold_start="mean",
        random_state=options.seed,
    )
