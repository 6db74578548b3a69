"""Where the results go: a folder, local or hdfs://, with report.html and the model."""

from __future__ import annotations

from pathlib import Path


def is_remote(place: str) -> bool:
    """Return whether a place is a URI of another file system."""
    return "://" in place and not place.startswith("file://")


def prepare(place: str) -> str:
    """Make the folder before the long work, so that a place that cannot be is known at once."""
    local = place.removeprefix("file://")
    if not is_remote(place):
        Path(local).mkdir(parents=True, exist_ok=True)
        return local
    return place


def inside(place: str, name: str) -> str:
    """Return the path or URI of something in the folder."""
    return f"{place.rstrip('/')}/{name}"
