"""Asks for your ratings in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TextIO

from mllib_py.tutorial.profile import HIGHEST, LOWEST, Profile, read_rating

FILMS_ASKED = 10


def ask(
    films: Sequence[int], titles: Mapping[int, str], *, answers: TextIO, questions: TextIO
) -> Profile:
    """Ask for a rating of each film.

    Parameters
    ----------
    films : sequence of int
        The films to ask about, the best known first.
    titles : mapping of int to str
        Title by film id.
    answers, questions : text streams
        The terminal's two directions. The end of the answers ends the questions.

    Returns
    -------
    Profile
        It may be empty, when every film was passed over.
    """
    print(
        f"Rate these films from {LOWEST:g} to {HIGHEST:g}; "
        "press Enter for one you have not seen, q when you have had enough.",
        file=questions,
    )
    ratings: dict[int, float] = {}
    for at, movie in enumerate(films, start=1):
        rating = _ask_one(f"{at:4d}/{len(films)}  {titles[movie]}: ", answers, questions)
        if rating is None:
            break
        if rating:
            ratings[movie] = rating
    return Profile(ratings, "your answers in the terminal")


def _ask_one(question: str, answers: TextIO, questions: TextIO) -> float | None:
    """Return the rating, 0 for a film not seen, None to stop."""
    while True:
        print(question, end="", file=questions, flush=True)
        line = answers.readline()
        if not line:
            print(file=questions)
            return None
        answer = line.strip()
        if answer.lower() in ("q", "quit"):
            return None
        if not answer:
            return 0.0
        try:
            return read_rating(answer.replace(",", "."))
        except ValueError as error:
            print(f"         {error}", file=questions)
