"""A linear Pyomo model as arrays, each family of constraints at once instead of row by row. Knows of Pyomo alone.

    from pyomo.core.base import constraint
    constraint.TEMPLATIZE_CONSTRAINTS = True    # while the model is built
    compiled = compile_arrays(model)            # .matrix, .cost, .row_lower, ...

The arrays are those of Pyomo's own standard form (mixed form), rows in its order, and columns in that in
which a reader comes to them, component by component. Families that Pyomo made
templates of are expanded by numpy. All others are walked row by row, as Pyomo does, and named with the reason in
`compiled.by_row`. A look-up of what is not there raises KeyError.

An equation that Pyomo reads from right to left, as Python may ask it to, has the signs of its row turned round.

What a component holds in these attributes is read instead of its members, which need not be made:

- a `Param` its values in the order of its index set, in `array_values`;
- a `Var` the upper bounds of all members, in `array_upper` (the lower ones are then 0);
- an indexed `Set` its members by key, in `array_members`;
- a `Constraint` the template of all its rows, in `array_template`.
"""

from lodeplan.optimizer.solver.arrays.compiler import Compiled, Range, compile_arrays, has_all_members

__all__ = ["Compiled", "Range", "compile_arrays", "has_all_members"]
