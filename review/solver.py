"""Integer programmes, solved exactly by HiGHS (Huangfu and Hall 2018, doi 10.1007/s12532-017-0130-5) through scipy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from review.errors import ReviewError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def minimise(
    weights: NDArray[Any], matrix: Any, low: NDArray[Any], high: NDArray[Any], lower: Any = 0.0, upper: Any = 1.0
) -> NDArray[np.int64] | None:
    """Return whole numbers ``x`` that minimise ``weights @ x`` with ``low <= matrix @ x <= high``; None if there are none.

    Parameters
    ----------
    weights : ndarray, shape (variables,)
    matrix : array or sparse array, shape (constraints, variables)
        May have no rows.
    low, high : ndarray, shape (constraints,)
    lower, upper : float or ndarray, shape (variables,)
        Bounds of the variables; 0 and 1 by default.

    Raises
    ------
    ReviewError
        If the solver gives up without an answer.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    result = milp(
        weights.astype(float),
        integrality=np.ones(len(weights), dtype=np.int64),
        bounds=Bounds(lower, upper),
        constraints=[LinearConstraint(matrix, low, high)] if matrix.shape[0] else [],
        options={"mip_rel_gap": 0.0},
    )
    if result.status == 2:
        return None
    if result.status != 0 or result.x is None:
        raise ReviewError(f"the solver stopped without an answer: {result.message} -> report this")
    values: NDArray[np.int64] = np.rint(result.x).astype(np.int64)
    return values
