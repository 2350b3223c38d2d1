"""Change one number of a scenario and compare the two plans.

A patch names a place in the scenario and an operation: this one raises a duty from 25 % to 60 %. `lodeplan.compare`
explains in sentences which purchases move, which decisions change, and which duty is the reason.
"""

import lodeplan

higher_duty = [{"op": "set", "path": "tariffs.'duty on CHN'.rate_share", "value": 0.60}]
before = lodeplan.solve("golden-toy")
after = lodeplan.solve("golden-toy", higher_duty)

for plan in (before, after):
    print(f"cost {plan.summary.objective_kusd:,.0f} kUSD, of which duty {plan.summary.duty_kusd:,.0f} kUSD")
for sentence in lodeplan.compare(before, after).difference:
    print(sentence)

# Output:
# cost 5,172 kUSD, of which duty 899 kUSD
# cost 5,978 kUSD, of which duty 471 kUSD
# metal/refined: 300 t less from China, 80 t less from stock, 180 t more from An ally and 120 t more made at home, because the duty on it from China goes from 2.5 to 6 kUSD/t (duty on CHN).
# Project home refinery: started in 1 (fast); in the first plan not started.
# Stock store: filled up to 20 t; in the first plan filled up to 100 t.
# The second plan costs 806 thousand USD more and pays 428 thousand USD less in duty than the first.
