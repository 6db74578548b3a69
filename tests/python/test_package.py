"""The package's public names, which are imported when they are first asked for."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import mllib_py


def said(code: str) -> str:
    """Run Python in a process of its own and return what it printed."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_the_package_alone_imports_nothing_heavy() -> None:
    heavy = "{'pyspark', 'py4j', 'pandas', 'pyarrow', 'numpy', 'scipy'}"
    assert said(f"import sys, mllib_py; print(sorted({heavy} & set(sys.modules)))") == "[]"


@pytest.mark.parametrize(
    "code",
    [
        "import mllib_py; print(mllib_py.ALS.__name__)",
        "from mllib_py import ALS; print(ALS.__name__)",
        "from mllib_py import *; print(ALS.__name__)",
        "import mllib_py; print(mllib_py.recommendation.ALS.__name__)",
        "import pickle, mllib_py; print(pickle.loads(pickle.dumps(mllib_py.ALS)).__name__)",
    ],
)
def test_a_name_is_there_however_it_is_asked_for(code: str) -> None:
    assert said(code) == "ALS"


def test_modules_are_there_without_an_import_of_their_own() -> None:
    assert said("import mllib_py; print(mllib_py.data.Ratings is mllib_py.Ratings)") == "True"


def test_all_names_are_listed_and_are_what_they_say() -> None:
    assert set(mllib_py.__all__) <= set(dir(mllib_py))
    for name in mllib_py.__all__:
        value: Any = getattr(mllib_py, name)
        assert value.__name__ == name
        assert vars(mllib_py)[name] is value  # the second time it is found at once


def test_a_name_that_is_none() -> None:
    with pytest.raises(AttributeError, match="module 'mllib_py' has no attribute 'nonsense'"):
        _ = mllib_py.nonsense
    with pytest.raises(ImportError, match="nonsense"):
        exec("from mllib_py import nonsense")
