"""Which data a run works on: yours, an archive of GroupLens, or the generated sample."""

from __future__ import annotations

from dataclasses import dataclass

from mllib_py.tutorial.download import fetch
from mllib_py.tutorial.options import Options
from mllib_py.tutorial.sample import sample_folder
from mllib_py.tutorial.story import Story


@dataclass(frozen=True)
class Source:
    """A folder, its name for people, and whether it is the generated sample."""

    uri: str
    name: str
    generated: bool = False


def choose(options: Options, story: Story) -> Source:
    """Return the folder to read; fetches an archive where one is asked for."""
    if options.data is not None:
        return Source(options.data, options.data)
    if options.download is not None:
        return Source(str(fetch(options.download, story)), f"{options.download} of GroupLens")
    return Source(str(sample_folder()), "a small generated sample with invented films", True)
