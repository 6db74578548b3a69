"""Fetches GroupLens's archives: once, with their licence said, checked, and kept in the cache."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from mllib_py.tutorial.story import Story
from mllib_py.tutorial.transfer import transfer
from mllib_py.tutorial.unpack import unpack

GROUPLENS = "https://files.grouplens.org/datasets/movielens"
# Where to fetch from instead: a mirror inside a company, or the server of a test.
BASE_URL_VARIABLE = "MLLIB_PY_MOVIELENS_URL"

LICENCE = """\
   MovieLens data is GroupLens's (University of Minnesota), for research: do not pass it on, do not
   use it commercially without their permission, and cite F. M. Harper and J. A. Konstan (2015),
   The MovieLens Datasets: History and Context, ACM TiiS 5(4), article 19. The archive's README
   has the full terms."""


@dataclass(frozen=True)
class Archive:
    """An archive, and the MD5 that GroupLens publishes for it, where its content is fixed."""

    name: str
    md5: str | None


ARCHIVES = {
    archive.name: archive
    for archive in (
        # Changes with time, so that only its integrity can be tested.
        Archive("ml-latest-small", None),
        Archive("ml-1m", "c4d9eecfca2ab87c1945afe126590906"),
        Archive("ml-20m", "cd245b17a1ae2cc31bb14903e1204af3"),
    )
}


def fetch(name: str, story: Story) -> Path:
    """Return the folder of an archive, fetched and unpacked if it is not in the cache.

    Parameters
    ----------
    name : str
        One of `ARCHIVES`.
    story : Story
        Told of the licence and of the progress.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        When the archive cannot be fetched, or is not what GroupLens published.
    """
    archive = ARCHIVES[name]
    folder = cache_folder() / name
    story.say(f"{name}\n{LICENCE}")
    if folder.is_dir():
        story.say(f"   It is in the cache: {folder}")
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    base = os.environ.get(BASE_URL_VARIABLE) or GROUPLENS
    file = folder.with_name(f"{name}.zip")
    # It is there already when unpacking was interrupted.
    if not file.exists():
        transfer(f"{base.rstrip('/')}/{name}.zip", file, story)
    try:
        _check(file, archive)
        unpack(file, folder)
    except ValueError:
        # A broken archive must not be taken for a sound one by the next run.
        file.unlink()
        raise
    file.unlink()
    story.say(f"   Unpacked to {folder}")
    return folder


def cache_folder() -> Path:
    """Return where archives are kept: `mllib_py/movielens` in the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "mllib_py" / "movielens"


def _check(file: Path, archive: Archive) -> None:
    if archive.md5 is None:
        return
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "md5").hexdigest()
    if found != archive.md5:
        raise ValueError(
            f"The archive {file.name} has the MD5 {found}, GroupLens publishes {archive.md5}; "
            "it was removed, so the next run fetches it again."
        )
