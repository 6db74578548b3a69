"""How many principal components there are, by Minka's method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

#: What counts as no variance.
_LEAST = 1e-15


def dimension(variances: NDArray[np.float64], rows: int) -> int:
    """Return the number of components of the largest evidence (Minka, NIPS 2000).

    Parameters
    ----------
    variances : ndarray of shape (n_components,)
        Of all components, descending.
    rows : int
        That they were estimated from.

    Returns
    -------
    int
        From 1 to ``n_components - 1``, or 0 where there is one component alone.
    """
    evidence = [log_evidence(variances, k, rows) for k in range(1, len(variances))]
    return 1 + int(np.argmax(evidence)) if evidence else 0


def log_evidence(variances: NDArray[np.float64], k: int, rows: int) -> float:
    r"""Return Laplace's approximation of log p(data | k components), equation 30 of the paper.

    .. math::
        p(D|k) \approx p(U) \Bigl(\prod_{j=1}^{k} \lambda_j\Bigr)^{-N/2} \hat v^{-N(d-k)/2}
        (2\pi)^{(m+k)/2} |A_Z|^{-1/2} N^{-k/2}
    """
    d = len(variances)
    if variances[k - 1] < _LEAST:  # the components before have all the variance
        return -np.inf
    noise = max(float(variances[k:].mean()), _LEAST)
    lengths = d - np.arange(k)
    volume = -k * np.log(2) + np.sum(gammaln(lengths / 2) - lengths / 2 * np.log(np.pi))
    m = d * k - k * (k + 1) / 2
    kept = -rows / 2 * np.log(variances[:k]).sum() - rows * (d - k) / 2 * np.log(noise)
    hat = np.r_[variances[:k], np.full(d - k, noise)]
    i, j = np.triu_indices(d, 1)
    i, j = i[i < k], j[i < k]
    # Of equal variances the logarithm of nothing would outweigh all else.
    apart = np.maximum((variances[i] - variances[j]) * (1 / hat[j] - 1 / hat[i]), _LEAST)
    curvature = np.log(apart) + np.log(rows)
    found = volume + kept + (m + k) / 2 * np.log(2 * np.pi) - curvature.sum() / 2
    return float(found - k / 2 * np.log(rows))
