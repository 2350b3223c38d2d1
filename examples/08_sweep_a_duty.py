"""Raise a duty step by step until its revenue falls.

`lodeplan.Problem` keeps the scenario, the model and the last answer. `change` rebuilds only the steps that depend on the
change, and each search starts from the decisions of the last one. Above 40 % most imports from China are replaced.
"""

import lodeplan

problem = lodeplan.Problem("golden-toy")
print("duty  from China   revenue      cost  refinery starts")
for rate_share in (0.0, 0.2, 0.4, 0.6, 0.8):
    problem.change([{"op": "set", "path": "tariffs.'duty on CHN'.rate_share", "value": rate_share}])
    plan = problem.solve(gap=0)
    supply = plan.tables["supply"].query("place == 'CHN'")
    bought_t = (supply["expected_t_per_y"] * supply["years"]).sum()
    starts = ", ".join(f"year {project.start}" for project in plan.summary.projects) or "never"
    cost_kusd, duty_kusd = plan.summary.objective_kusd, plan.summary.duty_kusd
    print(f"{rate_share:4.0%} {bought_t:9.0f} t {duty_kusd:5.0f} kUSD {cost_kusd:5.0f} kUSD  {starts}")

# Output:
# duty  from China   revenue      cost  refinery starts
#   0%       380 t     0 kUSD  4273 kUSD  never
#  20%       380 t   719 kUSD  4992 kUSD  never
#  40%       380 t  1438 kUSD  5712 kUSD  never
#  60%        80 t   471 kUSD  5978 kUSD  year 1
#  80%        80 t   629 kUSD  6135 kUSD  year 1
