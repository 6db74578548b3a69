"""The command `mllib-py`: reads the arguments, runs the tutorial, turns mistakes into sentences."""

from __future__ import annotations

import argparse
import io
import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import TypeVar

import mllib_py
from mllib_py.tutorial.download import ARCHIVES
from mllib_py.tutorial.options import DEFAULT_RANKS, DEFAULT_REGS, STRATEGIES, Options
from mllib_py.tutorial.run import run

Number = TypeVar("Number", int, float)
FAILED = 1
USER_ERROR = 2
INTERRUPTED = 130
TRACEBACK = "MLLIB_PY_TRACEBACK"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after the program's name; those of the process by default.

    Returns
    -------
    int
        0; 2 for a mistake that the user can put right, 1 for a failure (one sentence on standard
        error, in both).
    """
    arguments = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that has no letter for a title shows a mark; it is no reason to stop.
            stream.reconfigure(errors="replace")
    try:
        if arguments.command == "jar":
            print(files("mllib_py") / "jars" / "mllib-py.jar")
        else:
            run(_options(arguments))
        return 0
    except (ValueError, TypeError, OSError) as error:
        # By the package's contract these are the errors that a user can cause, in one sentence.
        # Whoever looks for a defect instead asks for the traceback.
        if os.environ.get(TRACEBACK):
            raise
        print(f"mllib-py: {_sentence(error)}", file=sys.stderr)
        return USER_ERROR
    except mllib_py.MLlibError as error:
        if os.environ.get(TRACEBACK):
            raise
        print(f"mllib-py: {_sentence(error)} ({TRACEBACK}=1 shows where.)", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("\nmllib-py: stopped.", file=sys.stderr)
        return INTERRUPTED


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.strerror}: {error.filename}"
    return " ".join(str(error).split()) or type(error).__name__


def _options(arguments: argparse.Namespace) -> Options:
    chosen = vars(arguments)
    return Options(**{field.name: chosen[field.name] for field in fields(Options)})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mllib-py", description="Machine learning on Spark.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_movielens(
        commands.add_parser(
            "movielens",
            help="recommend films to you: the classic MovieLens exercise with ALS",
            description="Recommends films to you: loads MovieLens ratings, adds yours, searches a "
            "small grid of ALS models, compares the best with the mean rating, prints your films, "
            "writes a report and saves the model.",
            epilog="Without --data and --download it uses a small generated sample, offline. "
            "A file for --my-ratings holds one film per line: 'movieId,rating', "
            "'0::movieId::rating' or 'Title (Year),rating'; ratings go from 0.5 to 5, "
            "0 means not seen, '#' starts a comment.",
        )
    )
    commands.add_parser(
        "jar",
        help="print where the library's jar is, for spark-submit --jars",
        description="Prints the path of the jar that a Spark session of your own needs.",
    )
    return parser


def _add_movielens(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--data",
        metavar="PATH_OR_URI",
        help="a MovieLens folder, local or hdfs:// (.dat, .csv or u.* files, told by content)",
    )
    source.add_argument(
        "--download",
        choices=list(ARCHIVES),
        help="fetch this archive from GroupLens once, and use it",
    )
    parser.add_argument("--my-ratings", metavar="FILE", help="your ratings, one film per line")
    parser.add_argument("--strategy", choices=STRATEGIES, default="auto", help="default: auto")
    parser.add_argument(
        "--out", metavar="DIR", default="movielens-out", help="default: movielens-out"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object; the story goes to stderr"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    parser.add_argument(
        "--split", choices=("random", "time"), default="random", help="how to split 80/10/10"
    )
    parser.add_argument(
        "--k", type=_positive, default=10, metavar="N", help="recommendations; default: 10"
    )
    parser.add_argument(
        "--min-ratings",
        type=_positive,
        default=0,
        metavar="N",
        help="recommend only films with so many ratings; default: all",
    )
    parser.add_argument("--ranks", type=_list_of(_positive), default=DEFAULT_RANKS, metavar="R,R..")
    parser.add_argument("--regs", type=_list_of(_weight), default=DEFAULT_REGS, metavar="L,L..")
    parser.add_argument(
        "--iterations", type=_positive, default=15, metavar="N", help="ALS iterations; default: 15"
    )
    parser.add_argument("--master", metavar="URL", help="Spark's master; default: this machine")


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, not {text!r}")
    return int(text)


def _weight(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise argparse.ArgumentTypeError(f"expected a number of at least 0, not {text!r}")
    return value


def _list_of(read: Callable[[str], Number]) -> Callable[[str], tuple[Number, ...]]:
    # In order and without repeats: they become the heat map's rows and columns.
    return lambda text: tuple(sorted({read(part.strip()) for part in text.split(",")}))


def _version() -> str:
    try:
        return version("mllib-py")
    except PackageNotFoundError:
        return "(not installed)"
