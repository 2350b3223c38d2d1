"""Plan for an export ban that never comes, may come, or is certain.

A plan decides before anybody knows which future comes. The cost of the ban is the difference between the plan for a
certain ban and the plan without it. Knowing in advance would replace the plan for both futures by the best one of each.
"""

import lodeplan

costs_kusd = {}
for probability in (0.0, 0.2, 1.0):
    ban = [
        {"op": "set", "path": "futures.ban.probability", "value": probability},
        {"op": "set", "path": "futures.calm.probability", "value": 1 - probability},
    ]
    plan = lodeplan.solve("golden-toy", ban, gap=0)
    stored_t = max(stock.stock_t for stock in plan.summary.stocks)
    costs_kusd[probability] = plan.summary.objective_kusd
    print(f"ban with {probability:4.0%}: expected cost {costs_kusd[probability]:,.1f} kUSD, {stored_t:.0f} t in store")

informed_kusd = 0.8 * costs_kusd[0.0] + 0.2 * costs_kusd[1.0]
print(f"The ban costs {costs_kusd[1.0] - costs_kusd[0.0]:,.1f} kUSD.")
print(f"To know in advance whether it comes is worth {costs_kusd[0.2] - informed_kusd:,.1f} kUSD.")

# Output:
# ban with   0%: expected cost 5,026.4 kUSD, 0 t in store
# ban with  20%: expected cost 5,172.2 kUSD, 100 t in store
# ban with 100%: expected cost 5,306.3 kUSD, 150 t in store
# The ban costs 279.9 kUSD.
# To know in advance whether it comes is worth 89.8 kUSD.
