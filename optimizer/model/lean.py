"""Pyomo without the statistics of SciPy, which nothing here uses. To be imported before SciPy is.

Pyomo sees to it that whoever imports SciPy imports `scipy.stats`, `scipy.integrate` and `scipy.spatial` with it, which
takes a third of the start of a solve. Who wants them still gets them, by importing them.
"""

from __future__ import annotations

from pyomo.common import dependencies


def _nothing(_module: object, _is_there: bool) -> None:
    """Do nothing in place of the imports that Pyomo adds to SciPy's."""


# Once SciPy is there this is a plain bool, and it is too late.
if isinstance(dependencies.scipy_available, dependencies.DeferredImportIndicator):
    dependencies.scipy_available._callback = _nothing
