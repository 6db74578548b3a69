"""Keeps standard output for the one JSON object of `--json`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def standard_output_to_error() -> Iterator[None]:
    """Send everything written to standard output to standard error, that of child processes too.

    The descriptor is moved as well as `sys.stdout`: a JVM started inside inherits it.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def at_a_terminal() -> bool:
    """Return whether there is someone to ask."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
