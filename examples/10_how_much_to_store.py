"""Find how much to store against a stop of supply as it becomes more likely.

A tonne in store costs 2 kUSD to hold. It saves the purchase at 10 if supply goes on, and a shortage if it stops; the
first 20 t short cost 30 kUSD/t, the next 30 t 60 and the rest 200. So a tonne is stored where the probability of a stop
is above 2 / (penalty - 10): 1.1 %, 4 % or 10 %.
"""

import lodeplan

scenario = {
    "name": "store-or-not",
    "home": "DEU",
    "horizon": {"first_year": 2026, "period_years": [1, 1]},
    "economics": {"discount_rate": 0},
    "commodities": {"metal": {"stage": "refined", "mineral_group": "metal"}},
    "places": {"DEU": {}, "CHN": {}},
    "facilities": {"offer": {"place": "CHN", "outputs": {"metal": 1}, "cost_kusd_per_t": 10}},
    "routes": {"sea": {"commodity": "metal", "origin": "CHN", "destination": "DEU"}},
    "stockpiles": {"store": {"commodity": "metal", "holding_kusd_per_t_y": 2}},
    "demands": {
        "user": {
            "commodity": "metal",
            "tier": "other",
            "quantity_t_per_y": 100,
            "shortage_penalty_kusd_per_t": {0.2: 30, 0.5: 60, 1: 200},
        }
    },
    "events": {"stop": {"changes": "exports", "places": ["CHN"], "onset": 2027, "availability_share": 0}},
    "futures": {"supply goes on": {}, "supply stops": {"events": ["stop"], "probability": 0.5}},
}

problem = lodeplan.Problem(scenario)
for probability in (0.0, 0.02, 0.05, 0.2):
    problem.change([{"op": "set", "path": "futures.'supply stops'.probability", "value": probability}])
    plan = problem.solve()
    stored_t = max(stock.stock_t for stock in plan.summary.stocks)
    short_t = plan.summary.shortage_t.get("other", 0.0)
    print(f"stop with {probability:3.0%}: {stored_t:3.0f} t in store, {short_t:.1f} t short expected")

# Output:
# stop with  0%:   0 t in store, 0.0 t short expected
# stop with  2%:  50 t in store, 1.0 t short expected
# stop with  5%:  80 t in store, 1.0 t short expected
# stop with 20%: 100 t in store, 0.0 t short expected
