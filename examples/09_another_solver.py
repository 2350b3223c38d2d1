"""Write the model to files that other solvers read, and find the same optimum with one of them.

The files are in tonnes, kUSD and years, as the documentation of the mathematics has them. Here HiGHS reads them itself,
without the rest of Lodeplan; any solver that reads LP or MPS can take its place.
"""

import highspy

import lodeplan

problem = lodeplan.Problem("golden-toy")
plan = problem.solve(gap=0)
print(f"Lodeplan: {plan.summary.objective_kusd:.4f} kUSD")

for name in ("toy.lp", "toy.mps"):
    problem.write(name)
    solver = highspy.Highs()
    solver.silent()
    solver.readModel(name)
    solver.run()
    objective_kusd = solver.getObjectiveValue()
    print(f"{name}: {solver.getNumCol()} columns, {solver.getNumRow()} rows, {objective_kusd:.4f} kUSD")
    assert abs(objective_kusd - plan.summary.objective_kusd) < 1e-6 * objective_kusd

# Output:
# Lodeplan: 5172.1574 kUSD
# toy.lp: 76 columns, 44 rows, 5172.1574 kUSD
# toy.mps: 76 columns, 44 rows, 5172.1574 kUSD
