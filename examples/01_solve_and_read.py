"""Solve a scenario that comes with Lodeplan and read its plan.

`lodeplan.solve` takes the name of a shipped scenario, a file, a folder or a dict. The plan has a summary, with
sentences, and tables, which are pandas data frames; `specs` gives the unit and the meaning of each column.
Here a cheap supplier may stop exports in year 3, so the plan buys the need of that year ahead.
"""

import lodeplan

plan = lodeplan.solve("golden-toy")
for sentence in plan.summary.findings:
    print(sentence)

print()
supply = plan.tables["supply"][["year", "source_kind", "place", "base_t_per_y", "expected_t_per_y"]].sort_values(
    ["year", "place"]
)
print(supply.to_string(index=False))
for column in plan.specs["supply"].columns:
    if column.name in ("base_t_per_y", "expected_t_per_y"):
        print(f"{column.name} [{column.unit}]: {column.description}")

# Output:
# Fill 1 stockpile. The whole plan costs 5.17 million USD in 1 to 4, expected and discounted; with shortages at their penalties it costs 704 thousand USD less than doing nothing (12 %).
# Stocks at their highest: 100 t of metal/refined (2).
# Expected shortage of the essential civilian tier: 0 t (doing nothing: 20 t).
# The costliest future, ban (probability 20 %), costs 148 thousand USD more than the mean; the worst 10 % of futures cost 5.32 million USD on average.
#
#  year source_kind place  base_t_per_y  expected_t_per_y
#     1      import   CHN         100.0             100.0
#     2      import   CHN         200.0             200.0
#     3      import  ALLY           0.0              10.0
#     3       stock   USA         100.0              90.0
#     4      import  ALLY           0.0              10.0
#     4      import   CHN         100.0              80.0
#     4       stock   USA           0.0              10.0
# base_t_per_y [t/y]: In each year, on the planned path.
# expected_t_per_y [t/y]: In each year, probability-weighted over all nodes of the period.
