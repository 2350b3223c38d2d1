"""Draw futures from yearly hazards, keep a few that represent them, and check whether they are enough.

The scenario has three hazards with their yearly rates; 2,000 futures are drawn. Most rare losses are represented by a
milder future, so a few futures understate the losses: keep more until their share is near 100 %.
"""

import lodeplan

for futures in (5, 20, 80):
    plan = lodeplan.solve("sampled-futures", [{"op": "set", "path": "sampling.futures", "value": futures}])
    sampling = plan.summary.sampling
    lost = sampling.lost_share["China stops exports"]
    stored_t = max(stock.stock_t for stock in plan.summary.stocks)
    print(
        f"{sampling.futures:3d} futures: {lost.kept / lost.drawn:4.0%} of the loss from China, "
        f"expected cost {plan.summary.expected_cost_kusd:,.0f} kUSD, up to {stored_t:.0f} t in store"
    )

# Output:
#   5 futures:  35% of the loss from China, expected cost 3,844 kUSD, up to 0 t in store
#  20 futures:  66% of the loss from China, expected cost 3,882 kUSD, up to 10 t in store
#  80 futures:  95% of the loss from China, expected cost 3,939 kUSD, up to 20 t in store
