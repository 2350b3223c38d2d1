"""Plan for the least expected cost, the least cost of the worst future, or the least regret.

The regret of a future is its cost above that of the best plan for this future alone. The first plan stores for the mean
of both futures and the second for the ban; in the third, both futures have the same regret.
"""

import lodeplan

print("objective        stored     calm      ban  expected")
for objective in ("cost", "worst_future", "maximum_regret"):
    plan = lodeplan.solve("golden-toy", [{"op": "set", "path": "risk.objective", "value": objective}], gap=0)
    cost_kusd = {future.name: future.cost_kusd for future in plan.summary.futures}
    stored_t = max(stock.stock_t for stock in plan.summary.stocks)
    print(
        f"{objective:14s} {stored_t:6.1f} t {cost_kusd['calm']:8.1f} {cost_kusd['ban']:8.1f} "
        f"{plan.summary.expected_cost_kusd:9.1f} kUSD"
    )
for regret in plan.tables["regrets"].itertuples():
    print(f"regret of {regret.future}: {regret.regret_kusd:.1f} kUSD over its best plan's {regret.best_kusd:.1f}")

# Output:
# objective        stored     calm      ban  expected
# cost            100.0 t   5135.2   5319.9    5172.2 kUSD
# worst_future    150.0 t   5241.5   5306.3    5254.4 kUSD
# maximum_regret   97.6 t   5132.6   5412.5    5188.6 kUSD
# regret of ban: 106.2 kUSD over its best plan's 5306.3
# regret of calm: 106.2 kUSD over its best plan's 5026.4
