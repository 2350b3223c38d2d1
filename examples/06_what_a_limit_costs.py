"""Read from the table `limits` how far each limit is used, and how much one more unit of it would save.

1,000 t are wanted, A sells at 100 and B at 128 kUSD/t, and no country may supply more than 65 %. Raising the
cap confirms the price in the table; if exceeding the cap costs less than that price, the plan exceeds it.
"""

import lodeplan


def share_of_a(field: str, value: float) -> lodeplan.Plan:
    """The plan where the cap on A has this value in this field."""
    return lodeplan.solve("concentration-cap", [{"op": "set", "path": f"limits.'share of A'.{field}", "value": value}])


plan = lodeplan.solve("concentration-cap")
print(plan.tables["limits"][["limit", "sense", "asked", "reached", "price_kusd", "price_unit"]].to_string(index=False))

saved_kusd = plan.summary.objective_kusd - share_of_a("cap_share", 0.66).summary.objective_kusd
print(f"10 t more from A, a cap of 66 %: {saved_kusd:,.0f} kUSD saved, {saved_kusd / 10:.0f} kUSD a tonne")

soft = share_of_a("violation_price_kusd", 20)
limit = soft.tables["limits"].set_index("limit").loc["share of A"]
print(
    f"at 20 kUSD for each tonne over the cap: share {limit.reached:.0%}, {limit.missed:.0f} {limit.missed_unit} over it"
)

# Output:
#      limit   sense  asked  reached  price_kusd   price_unit
# share of A at most   0.65     0.65        28.0 kUSD per t/y
# share of B at most   0.65     0.35         0.0
# 10 t more from A, a cap of 66 %: 280 kUSD saved, 28 kUSD a tonne
# at 20 kUSD for each tonne over the cap: share 100%, 350 t/y over it
