"""Finds the generated sample: in an installed package, or in a checkout's data/."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve()
# The wheel carries data/ inside the package; a checkout or an editable install has it at the top.
_PLACES = (_HERE.parent / "sample", _HERE.parents[2] / "data")


def sample_folder() -> Path:
    """Return the folder with the generated sample.

    Raises
    ------
    ValueError
        When this installation came without it.
    """
    for place in _PLACES:
        if (place / "ratings.dat").is_file() and (place / "movies.dat").is_file():
            return place
    raise ValueError(
        "This installation came without the sample data: name a folder with --data, "
        "or fetch one with --download ml-latest-small."
    )
