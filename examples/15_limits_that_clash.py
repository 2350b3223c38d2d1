"""Ask for the impossible, read which limit cannot be kept, and make that limit soft.

All demand is to be served even in a ban, with room for only 10 t in store. An infeasible scenario raises no error: its
plan has no solution, but sentences that name the conflict. With a violation price there is a plan, and it pays for 10 t.
"""

import lodeplan

asked = [
    {"op": "set", "path": "stockpiles.store.capacity_t", "value": 10},
    {
        "op": "set",
        "path": "limits.all are served",
        "value": {"kind": "service_floor", "tiers": ["military", "essential_civilian"], "served_share": 1},
    },
]
plan = lodeplan.solve("golden-toy", asked)
print(f"termination {plan.summary.termination}, solution {plan.summary.solution}")
print(*plan.summary.conflict, sep="\n")

soft = {"op": "set", "path": "limits.'all are served'.violation_price_kusd", "value": 100}
plan = lodeplan.solve("golden-toy", [*asked, soft], gap=0)
missed = plan.tables["limits"].query("missed > 0")
print(missed[["item", "node", "asked", "reached", "missed", "missed_unit", "missed_kusd"]].to_string(index=False))

# Output:
# termination infeasible, solution none
# Service floor 'all are served' falls short by 10 t/y for 'civilian' in ban@4.
#     item  node  asked  reached  missed missed_unit  missed_kusd
# civilian ban@4    1.0    0.875    10.0         t/y       1000.0
