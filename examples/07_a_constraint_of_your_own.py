"""Add a constraint to the model in Pyomo and read its dual.

A contract requires 120 t from the ally over four years; no limit of a scenario can express that. `Problem.add` puts it
into the model under a name, and the table `marginal_values` has its dual under that name: the cost of one more tonne.
"""

import pyomo.environ as pyo

import lodeplan

years = ("1", "2", "3", "4")  # The nodes of the planned path; `problem.instance.tree.names` lists all nodes.


def contract_over(quantity_t: float):
    """A function that makes the constraint from the model; a node is a year long, so t/y are t."""
    return lambda model: pyo.Constraint(expr=sum(model.ship["metal ALLY", "all", y] for y in years) >= quantity_t)


costs_kusd = []
for quantity_t in (120, 121):
    problem = lodeplan.Problem("golden-toy")
    problem.add("contract", contract_over(quantity_t))
    plan = problem.solve(gap=0)
    costs_kusd.append(plan.summary.objective_kusd)
    dual = plan.tables["marginal_values"].set_index("what").loc["contract", "value"]
    print(f"{quantity_t} t from the ally: cost {costs_kusd[-1]:,.2f} kUSD, dual {dual:.2f} kUSD per t")

assert abs((costs_kusd[1] - costs_kusd[0]) - dual) < 1e-6

# Output:
# 120 t from the ally: cost 5,325.42 kUSD, dual 1.50 kUSD per t
# 121 t from the ally: cost 5,326.92 kUSD, dual 1.50 kUSD per t
