"""Checks, before any work, that the libraries of the extra [tutorial] are there."""

from __future__ import annotations

from importlib.util import find_spec

_NEEDED = ("jinja2", "tqdm")


def require_extra() -> None:
    """Raise a one-sentence ValueError when a library of the extra is missing."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ValueError(
            f"The tutorial needs {' and '.join(missing)}: run pip install 'mllib-py[tutorial]'."
        )
