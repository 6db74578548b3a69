"""What every estimator shares: scikit-learn's way with parameters."""

from __future__ import annotations

import inspect
from typing import Any, Self


class Estimator:
    """Base of the estimators.

    A subclass writes its parameters out as keyword-only arguments of ``__init__`` and stores each
    under its name, unchanged; attributes that `fit` learns end in ``_``.
    """

    @classmethod
    def _parameter_names(cls) -> list[str]:
        return [n for n in inspect.signature(cls.__init__).parameters if n != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name.

        Parameters
        ----------
        deep : bool, default=True
            For scikit-learn's sake; no parameter is an estimator.

        Returns
        -------
        dict
        """
        return {name: getattr(self, name) for name in self._parameter_names()}

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name.

        Parameters
        ----------
        **params
            Values by the names that the constructor takes; `fit` checks them.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            There is no such parameter.

        Examples
        --------
        >>> import mllib_py
        >>> mllib_py.ALS().set_params(rank=20)
        ALS(rank=20)
        """
        names = self._parameter_names()
        for name in params:
            if name not in names:
                raise ValueError(
                    f"{type(self).__name__} has no parameter {name!r}; it has {', '.join(names)}"
                )
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        """Show the parameters that differ from their defaults."""
        defaults = inspect.signature(type(self).__init__).parameters
        changed = [
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if value is not defaults[name].default and value != defaults[name].default
        ]
        return f"{type(self).__name__}({', '.join(changed)})"
