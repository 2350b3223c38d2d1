"""Write a scenario as a Python dict: a mine, an importer and one demand.

All problems of a scenario are reported at once, each with its place, the value found and a suggestion. Here the origin
of the route is misspelled at first; once it is right, the mine delivers its whole capacity and 200 t are missing.
"""

import lodeplan

scenario = {
    "name": "one-mine",
    "home": "JPN",
    "horizon": {"first_year": 2026, "period_years": [1]},
    "commodities": {"nickel": {"stage": "refined", "mineral_group": "nickel"}},
    "places": {"JPN": {"title": "Japan"}, "AUS": {"title": "Australia"}},
    "facilities": {"mine": {"place": "AUS", "outputs": {"nickel": 1}, "capacity_t_per_y": 800, "cost_kusd_per_t": 17}},
    "routes": {"ship": {"commodity": "nickel", "origin": "AUX", "destination": "JPN", "freight_kusd_per_t": 1}},
    "demands": {
        "steel": {"commodity": "nickel", "tier": "other", "quantity_t_per_y": 1000, "shortage_penalty_kusd_per_t": 60}
    },
}

try:
    lodeplan.solve(scenario)
except lodeplan.InvalidInput as error:
    print(error)

scenario["routes"]["ship"]["origin"] = "AUS"
plan = lodeplan.solve(scenario)
for term, cost_kusd in plan.summary.cost_terms_kusd.items():
    print(f"{term}: {cost_kusd:,.0f} kUSD")
print(f"short: {plan.summary.shortage_t['other']:,.0f} t")

# By hand: 800 t * 17, 800 t * 1, and 200 t short at 60 kUSD/t.
assert abs(plan.summary.objective_kusd - (800 * 17 + 800 * 1 + 200 * 60)) < 1e-6

# Output:
# routes.ship.origin: no place has this name. (found: 'AUX') Did you mean `AUS`?
# production: 13,600 kUSD
# freight: 800 kUSD
# shortage_penalty: 12,000 kUSD
# short: 200 t
