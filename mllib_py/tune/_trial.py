"""A trial where it runs: what an objective is given, and what becomes of it."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, cast

import cloudpickle

from mllib_py.tune._attrs import RESERVED
from mllib_py.tune._backend import Prepared
from mllib_py.tune._channel import Address, Line
from mllib_py.tune._scatter import SentHandle
from mllib_py.tune._threads import limited


class TrialPruned(Exception):
    """Raised by an objective to end its trial early, where ``trial.should_prune()`` says so.

    Examples
    --------
    >>> from mllib_py.tune import TrialPruned
    >>> def objective(params, trial):
    ...     for step in range(1, 10):
    ...         trial.report(params["x"] / step, step)
    ...         if trial.should_prune():
    ...             raise TrialPruned
    ...     return params["x"] / 9
    """


class Trial:
    """What an objective of two arguments is given beside its parameters.

    Attributes
    ----------
    number : int
        The trial's number in the study.
    params : dict
        Its parameters.
    """

    def __init__(
        self, number: int, attempt: int, params: dict[str, Any], address: Address | None
    ) -> None:
        self.number = number
        self.params = params
        self.attrs: dict[str, Any] = {}
        self._attempt = attempt
        self._address = address
        self._line: Line | None = None

    def report(self, value: float, step: int) -> None:
        """Send an intermediate value to the driver.

        Parameters
        ----------
        value : float
            What the objective would return, as it stands.
        step : int
            Of 0 or more; a step's first value counts.

        Raises
        ------
        TypeError, ValueError
            No number, or no such step.
        ConnectionError
            The driver is gone, or has given the trial up.
        """
        try:
            told = float(value)
        except (TypeError, ValueError):
            raise TypeError(f"trial.report takes a number, not {value!r}") from None
        if isinstance(step, bool) or int(step) != step or step < 0:
            raise ValueError(f"a step is an integer of 0 or more, not {step!r}")
        self._open().report(told, int(step))

    def should_prune(self) -> bool:
        """Ask the driver whether the trial is worth going on with, by what was reported so far."""
        return self._open().ask()

    def set_user_attr(self, name: str, value: Any) -> None:
        """Keep a value beside the trial's result.

        Parameters
        ----------
        name : str
            Not one that the study keeps for itself ("error", "run" and the like).
        value
            What JSON can hold.

        Raises
        ------
        TypeError, ValueError
            Another value, or such a name.
        """
        if not isinstance(name, str):
            raise TypeError(f"names of user attributes are strings, not {name!r}")
        if name in RESERVED:
            raise ValueError(
                f"the study keeps {name!r} for itself, as it does {', '.join(RESERVED)}: take "
                "another name"
            )
        # Here, where it fails one trial: a storage would refuse it on the driver.
        try:
            self.attrs[name] = json.loads(json.dumps(value))
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"a user attribute is what JSON can hold, and {name!r} is not: {error}"
            ) from None

    def _open(self) -> Line:
        if self._address is None:
            raise RuntimeError("this backend takes no intermediate values")
        if self._line is None:
            self._line = Line(self._address, self.number, self._attempt)
        return self._line

    def close(self) -> None:
        """Wait until the driver has read all that was reported."""
        if self._line is not None:
            self._line.close()


@dataclass
class Outcome:
    """What became of a run of a trial."""

    value: Any = None
    pruned: bool = False
    error: str | None = None
    attrs: dict[str, Any] = field(default_factory=dict)
    where: dict[str, Any] = field(default_factory=dict)


class Work(Prepared):
    """One run of a trial, as it travels to a worker; on the driver it has the objective itself."""

    def __init__(
        self,
        objective: bytes | Callable[..., Any],
        number: int,
        attempt: int,
        params: dict[str, Any],
        cores: int,
        address: Address | None,
        raises: tuple[type[Exception], ...] = (),
        handles: Sequence[SentHandle] = (),
    ) -> None:
        self.objective = objective
        # The objective is pickled already: a backend finds here what must travel beside it.
        self.handles = handles
        self.cores = cores
        self.number = number
        self.attempt = attempt
        self.params = params
        self.address = address
        self.raises = raises
        self._loaded: Any = None

    def prepare(self) -> None:
        """Load the objective; where that fails, the run says so."""
        with contextlib.suppress(Exception):
            self._load()

    def _load(self) -> Callable[..., Any]:
        if self._loaded is None:
            given = self.objective
            self._loaded = cloudpickle.loads(given) if isinstance(given, bytes) else given
        return cast(Callable[..., Any], self._loaded)

    def __call__(self) -> Outcome:
        """Run the objective; an exception of it is an outcome too, kept as text, or is raised."""
        trial = Trial(self.number, self.attempt, self.params, self.address)
        out = Outcome()
        began, clock = time.time(), time.perf_counter()
        try:
            # On the driver BLAS's threads belong to all.
            with limited(self.cores) if isinstance(self.objective, bytes) else nullcontext():
                out.value = call(self._load(), trial)
        except Exception as error:
            out.pruned = _pruned(error)
            if isinstance(error, self.raises) and not out.pruned:
                raise
            if not out.pruned:
                out.error = _text(error)
        finally:
            trial.close()
        seconds = time.perf_counter() - clock
        out.attrs = trial.attrs
        out.where = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "began": began,
            "seconds": seconds,
        }
        return out


def call(objective: Callable[..., Any], trial: Trial) -> Any:
    """Call an objective with what it takes."""
    if takes_trial(objective):
        return objective(trial.params, trial)
    return objective(trial.params)


def takes_trial(objective: Callable[..., Any]) -> bool:
    """Tell whether an objective takes a trial: has a second argument of that name, or one it needs.

    Raises
    ------
    TypeError
        It cannot be called with parameters, or with these and a trial.
    """
    try:
        signature = inspect.signature(objective)
    except (TypeError, ValueError):
        return False  # one of C's, which does not say
    places = [
        p
        for p in signature.parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)
    ]
    second = places[1] if len(places) > 1 else None
    both = second is not None and (second.name == "trial" or second.default is second.empty)
    if second is not None and second.kind is second.VAR_POSITIONAL:
        both = False
    try:
        signature.bind(*((None, None) if both else (None,)))
    except TypeError:
        raise TypeError(
            f"the objective must take (params) or (params, trial), not {signature}"
        ) from None
    return both


def _pruned(error: Exception) -> bool:
    optuna = sys.modules.get("optuna")
    return isinstance(error, TrialPruned) or (
        optuna is not None and isinstance(error, optuna.TrialPruned)
    )


def _text(error: Exception) -> str:
    """Return what a storage keeps of an error: its end, where the reason is."""
    lines = traceback.format_exception(error)
    return "".join(lines)[-4000:].strip()
