"""The parameter specs themselves, and how Python reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mllib_py import _spec

SOURCES = Path(__file__).parents[2] / "src" / "main" / "resources" / "mllibpy" / "spec"
NAMES = sorted(p.stem for p in SOURCES.glob("*.json"))
TYPES = {"int": int, "float": float, "bool": bool, "str": str, "choice": str}
WRITTEN = {n: json.loads((SOURCES / f"{n}.json").read_text(encoding="utf-8")) for n in NAMES}
PARAMETERS = [(n, p) for n in NAMES for p in WRITTEN[n]["parameters"]]


def test_there_are_specs() -> None:
    assert "als" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_what_python_reads_is_what_was_written(name: str) -> None:
    assert list(_spec.parameters(name).values()) == WRITTEN[name]["parameters"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_distinct(name: str) -> None:
    names = [p["name"] for n, p in PARAMETERS if n == name]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("spec", "p"), PARAMETERS, ids=[f"{n}.{p['name']}" for n, p in PARAMETERS])
def test_a_default_keeps_its_own_rules(spec: str, p: dict[str, Any]) -> None:
    assert p["doc"].endswith(".")
    default = p["default"]
    if default is None:
        assert p["optional"]
        return
    assert type(default) is TYPES[p["type"]]
    assert p.get("min", default) <= default <= p.get("max", default)
    assert default in p.get("choices", [default])
