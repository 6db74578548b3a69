"""You as a user among the others: an id of your own, your ratings, your recommendations."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

import mllib_py
from mllib_py.tutorial.options import Options
from mllib_py.tutorial.outcome import Recommendation
from mllib_py.tutorial.profile import Profile
from mllib_py.tutorial.steps import Data

_FIRST_CHOICE = 0
_FAR_OUT = -(2**31)


def join(ratings: mllib_py.Ratings, profile: Profile) -> tuple[int, mllib_py.Ratings]:
    """Give you an id that no user of the data has.

    Returns
    -------
    (int, Ratings)
        Your id, 0 if it is free, and your ratings under it.
    """
    # MovieLens counts its users from 1. Data that uses 0 is tried below it.
    for user in (_FIRST_CHOICE, -1, -2, -3, _FAR_OUT):
        yours = as_ratings(user, profile)
        if ratings.union(yours).n_users > ratings.n_users:
            return user, yours
    raise ValueError("The data uses every user id that could have been yours: 0, -1, -2, -3.")


def as_ratings(user: int, profile: Profile) -> mllib_py.Ratings:
    """Return a profile as the ratings of this user."""
    movies = np.array(list(profile.ratings), dtype=np.int64)
    values = np.array(list(profile.ratings.values()), dtype=np.float32)
    return mllib_py.ratings((np.full(len(movies), user, dtype=np.int64), movies, values))


def recommend(
    model: mllib_py.ALS, user: int, options: Options, profile: Profile, data: Data
) -> list[Recommendation]:
    """Return the best films for you, none that you have rated, each title once.

    MovieLens has a few films under two ids: the twin of a film that you rated is no news to you.
    """
    titles = data.folder.titles
    rated = {titles[movie] for movie in profile.ratings}
    out = {movie for movie, title in titles.items() if title in rated}
    out |= {movie for movie, count in data.popularity.items() if count < options.min_ratings}
    # As many more as may be dropped below.
    top = model.recommend([user], k=2 * options.k + len(out))
    films = (
        Recommendation(
            int(movie),
            data.folder.title(int(movie)),
            float(score),
            data.popularity.get(int(movie), 0),
        )
        for movie, score in zip(top["item"], top["score"], strict=True)
        if int(movie) not in out
    )
    return _once(films)[: options.k]


def _once(films: Iterable[Recommendation]) -> list[Recommendation]:
    by_title: dict[str, Recommendation] = {}
    for film in films:
        by_title.setdefault(film.title, film)
    return list(by_title.values())
