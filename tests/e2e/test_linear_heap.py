"""Data of about twice the heap spill to disk, and are fitted from there."""

from __future__ import annotations

import numpy as np
import pytest
from support.standalone import run_script

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("kind", ["frame", "arrays"])
def test_a_fit_to_more_than_the_heap(kind: str) -> None:
    told = run_script("wide_data.py", kind)
    assert told["rows"] == 720_000
    assert told["bytes"] > 1.9 * told["heap"]
    first, second, third = told["coef"]
    np.testing.assert_allclose(first, -second, rtol=0.1)
    assert first > 1
    assert abs(third) < 0.05
