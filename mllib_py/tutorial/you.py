"""You as a user among the others: an id of your own, your ratings, your recommendations."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

import mllib_py
from mllib_py.tutorial.folder import MovieFolder
from mllib_py.tutorial.outcome import Recommendation
from mllib_py.tutorial.profile import Profile
from mllib_py.tutorial.titles import TitleIndex

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
    model: mllib_py.ALS, user: int, k: int, profile: Profile, folder: MovieFolder
) -> list[Recommendation]:
    """Return the k best films for you, none that you have rated, each title once.

    MovieLens has a few films under two ids: the twin of a film that you rated is no news to you.
    """
    rated = set(profile.ratings)
    index = TitleIndex(folder.titles)
    known = rated | index.namesakes(rated)
    # As many more as may be dropped below.
    top = model.recommend([user], k=2 * k + len(known))
    unseen = (
        Recommendation(int(movie), folder.title(int(movie)), float(score))
        for movie, score in zip(top["item"], top["score"], strict=True)
        if int(movie) not in known
    )
    return _once(unseen)[:k]


def _once(films: Iterable[Recommendation]) -> list[Recommendation]:
    by_title: dict[str, Recommendation] = {}
    for film in films:
        by_title.setdefault(film.title, film)
    return list(by_title.values())
