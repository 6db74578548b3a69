"""Optuna's samplers and pruners by name, and how many trials of each run at once."""

from __future__ import annotations

import importlib.util
import math
import warnings
from typing import Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    SuccessiveHalvingPruner,
)
from optuna.samplers import BaseSampler

from mllib_py import _checks
from mllib_py.tune._space import Space

#: What each sampler makes of trials that still run.
PENDING = {
    "grid": "points are taken in their order, each once",
    "random": "draws do not depend on other trials",
    "tpe": "a trial that runs counts as a bad one (constant liar), so that the next is elsewhere",
    "gp": "a trial that runs counts in the model as one that found what the model expects",
    "cmaes": "generations do not wait: a free slot gets a further draw from the generation's "
    "distribution, which is moved when enough of its trials are complete; later ones are not used",
    "nsga2": "generations do not wait: a free slot gets a further child of the same parents, which "
    "change when a whole population of their children is complete",
}
SAMPLERS = tuple(PENDING)
PRUNERS = ("asha", "hyperband", "median", None)
_NEEDS = {"cmaes": "cmaes", "gp": "torch"}
#: Those whose draws do not depend on what was found.
_INDEPENDENT = ("grid", "random")


def check(sampler: Any, pruner: Any, space: Space, objectives: int) -> None:
    """Refuse names that are none, and what does not go together."""
    if not isinstance(sampler, BaseSampler):
        _checks.one_of("sampler", sampler, SAMPLERS)
    if not isinstance(pruner, BasePruner):
        _checks.one_of("pruner", pruner, PRUNERS)
    if pruner is not None and objectives > 1:
        raise ValueError(
            f"pruners work with one objective only, as Optuna's do, and there are {objectives}: "
            "give pruner=None"
        )
    if sampler == "cmaes" and objectives > 1:
        raise ValueError("sampler='cmaes' works with one objective only; 'nsga2' takes several")
    if space.several and sampler not in _INDEPENDENT:
        raise ValueError(
            "a list of spaces is for sampler='grid' or 'random', which do not learn: others would "
            f"learn from parameters that a trial does not have, as {sampler!r} does"
        )
    if sampler == "grid":
        space.size()
    if sampler == "cmaes" and all(
        isinstance(d, CategoricalDistribution) for d in space.distributions.values()
    ):
        raise ValueError("sampler='cmaes' moves numbers, and all parameters are lists of choices")
    needed = _NEEDS.get(sampler) if isinstance(sampler, str) else None
    if needed is not None and importlib.util.find_spec(needed) is None:
        raise ImportError(f"sampler={sampler!r} needs the package {needed}: pip install {needed}")


def seed_of(random_state: Any, trials_before: int) -> int | None:
    """Return a sampler's seed; a study that goes on must not draw its first trials again."""
    if random_state is None:
        return None
    if isinstance(random_state, np.random.RandomState):
        seed = int(random_state.randint(2**31 - 1))
    elif isinstance(random_state, np.random.Generator):
        seed = int(random_state.integers(2**31 - 1))
    else:
        seed = _checks.whole("random_state", random_state, 0)
    if trials_before == 0:
        return seed
    return int(np.random.SeedSequence([seed, trials_before]).generate_state(1)[0])


def population(trials: int | None) -> int:
    """Return NSGA-II's population: a tenth of the trials, 10 to 50."""
    return 50 if trials is None else min(50, max(10, trials // 10))


def sampler(name: Any, seed: int | None, trials: int | None) -> BaseSampler:
    """Make a sampler."""
    if isinstance(name, BaseSampler):
        return name
    made = optuna.samplers
    with warnings.catch_warnings():  # what is experimental here is wanted
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if name == "tpe":
            return made.TPESampler(seed=seed, multivariate=True, constant_liar=True)
        if name == "gp":
            return made.GPSampler(seed=seed)
        if name == "cmaes":
            return made.CmaEsSampler(seed=seed)
        if name == "nsga2":
            return made.NSGAIISampler(seed=seed, population_size=population(trials))
    return made.RandomSampler(seed=seed)


def pruner(name: Any, resource: int | None = None) -> BasePruner:
    """Make a pruner; `resource` is the last step where it is known."""
    if isinstance(name, BasePruner):
        return name
    if name == "asha":
        return SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    if name == "hyperband":
        return HyperbandPruner(min_resource=1, max_resource=resource or "auto", reduction_factor=3)
    if name == "median":
        return MedianPruner(n_startup_trials=5, n_warmup_steps=0)
    return NopPruner()


def at_once(
    parallelism: Any, sampler: Any, trials: int | None, finished: int, slots: int
) -> tuple[int, str]:
    """Return how many trials run at once, and why."""
    if parallelism != "auto":
        return max(1, min(parallelism, slots)), "as asked, and no more than the slots"
    if sampler in _INDEPENDENT:
        return max(1, slots), f"all slots: {PENDING[sampler]}"
    if trials is not None:
        tenth, of = math.ceil(trials / 10), f"the {trials} trials"
    else:
        tenth, of = max(10, finished // 10), "the trials so far, and 10 at first"
    why = f"about a tenth of {of}, so that most are chosen by what others found"
    return max(1, min(tenth, slots)), f"{why}; no more than the slots"
