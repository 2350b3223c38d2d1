"""A linear Pyomo model as arrays, each family of constraints at once instead of row by row. Knows of Pyomo alone.

    from pyomo.core.base import constraint
    constraint.TEMPLATIZE_CONSTRAINTS = True    # while the model is built
    compiled = compile_arrays(model)            # .matrix, .cost, .row_lower, ...

The arrays are those of Pyomo's own standard form (mixed form), rows in its order, and columns in that in
which a reader comes to them, component by component. Families that Pyomo made
templates of are expanded by numpy. All others are walked row by row, as Pyomo does, and named with the reason in
`compiled.by_row`. A look-up of what is not there raises KeyError.

An equation that Pyomo reads from right to left, as Python may ask it to, has the signs of its row turned round.

A `Param` may hold its values as an array in the order of its index set, in the attribute `array_values`, and a `Var`
the upper bounds of its members in `array_upper` (the lower ones are then 0): they are read instead of the members',
which need not have any.
"""

from lodeplan.optimizer.solver.arrays.compiler import Compiled, Range, compile_arrays

__all__ = ["Compiled", "Range", "compile_arrays"]
