"""A fit that runs in the JVM, seen from Python: progress, callbacks, interrupts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from mllib_py import _bridge
from mllib_py._progress import Bar

#: Called after each iteration with what there is to tell; True stops the fit.
Callback: TypeAlias = Callable[[dict[str, Any]], Any]


def checked_callbacks(callbacks: Iterable[Callback] | None) -> list[Callback]:
    """Return callbacks as a list; what cannot be called is refused."""
    if callbacks is None:
        return []
    if callable(callbacks) or not isinstance(callbacks, Iterable):
        raise TypeError("callbacks must be a list of functions, not one thing alone")
    found = list(callbacks)
    for one in found:
        if not callable(one):
            raise TypeError(f"callbacks must be functions, not {type(one).__name__}")
    return found


def run(
    handle: _bridge.Handle,
    steps: int,
    *,
    show: bool,
    callbacks: Sequence[Callback] = (),
    unit: str = "half-step",
    delay: float = 0,
) -> _bridge.Handle:
    """Wait for a fit, showing where it stands; whatever ends the wait stops it in the JVM too."""
    with (
        Bar(steps, show=show, unit=unit, delay=delay) as bar,
        _bridge.interrupts() as interrupts,
    ):
        try:
            while not _has_ended(handle, bar):
                if interrupts:
                    raise KeyboardInterrupt
                _tell(handle, callbacks)
            if interrupts:
                raise KeyboardInterrupt
        except BaseException:
            # Where the JVM is gone, what said so is the better error.
            with contextlib.suppress(Exception):
                handle.cancel()
            raise
        with _bridge.errors():
            return handle.model()


def _has_ended(handle: _bridge.Handle, bar: Bar) -> bool:
    """Wait a moment; show how far the fit is where it goes on."""
    with _bridge.errors():
        if handle.waitFor(100):
            return True
        at = json.loads(handle.progress())
    bar.update(at["phase"], at["done"], at.get("objective"), at.get("validation"))
    return False


def _tell(handle: _bridge.Handle, callbacks: Sequence[Callback]) -> None:
    """Call the callbacks where the fit waits for them, and answer it."""
    if not callbacks:
        return
    with _bridge.errors():
        waiting = handle.report()
    if waiting is not None:
        # What a callback raises is its caller's to see as it is.
        with _bridge.raising():
            answers = [callback(json.loads(waiting)) for callback in callbacks]
        with _bridge.errors():
            handle.answer(any(_is_true(a) for a in answers))


def _is_true(answer: Any) -> bool:
    """Say whether an answer is True, NumPy's too: a number or a list may come back by chance."""
    return isinstance(answer, bool | np.bool_) and bool(answer)
