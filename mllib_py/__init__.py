"""Machine learning on Spark for people who write Python.

Names are imported when they are first asked for (PEP 562), so that `mllib_py.serve` comes without
Spark and Java.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mllib_py import data as data
    from mllib_py import decomposition as decomposition
    from mllib_py import engine as engine
    from mllib_py import linear as linear
    from mllib_py import metrics as metrics
    from mllib_py import plots as plots
    from mllib_py import recommendation as recommendation
    from mllib_py import serve as serve
    from mllib_py._bridge import MLlibError
    from mllib_py._layout import Layout, layout
    from mllib_py._session import session
    from mllib_py.data import Ratings, ratings
    from mllib_py.recommendation import ALS, load

__version__ = "0.1.0"
__all__ = ["ALS", "Layout", "MLlibError", "Ratings", "layout", "load", "ratings", "session"]

_HOMES = {
    "ALS": "recommendation",
    "Layout": "_layout",
    "MLlibError": "_bridge",
    "Ratings": "data",
    "layout": "_layout",
    "load": "recommendation",
    "ratings": "data",
    "session": "_session",
}
_MODULES = (
    "data",
    "decomposition",
    "engine",
    "linear",
    "metrics",
    "plots",
    "recommendation",
    "serve",
)

if not TYPE_CHECKING:  # a type checker would take any name for one of ours

    def __getattr__(name: str) -> object:
        """Import a public name, and keep it."""
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
