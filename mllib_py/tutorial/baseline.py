"""The baseline: everyone rates every film with the mean rating."""

from __future__ import annotations

import mllib_py


def mean_baseline(training: mllib_py.Ratings, test: mllib_py.Ratings) -> tuple[float, float]:
    """Return the training data's mean rating, and its RMSE on the test part."""
    mean = training.mean
    return mean, test.rmse_of_constant(mean)
