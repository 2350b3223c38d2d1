"""Ask what duty an import pays on a day, measure by measure.

The tariffs are those of the shipped scenario `us-2026`. The answer lists the measures that add up, and those that one
might expect but that do not count, each with the reason.
"""

import lodeplan

for day in ("2025-06-01", "2026-11-24"):
    answer = lodeplan.duty("gallium/metal", origin="CHN", on=day, customs_value_kusd_per_t=580)
    band = answer.bands[0]
    print(f"{answer.commodity_title} from {answer.origin_title} on {answer.on}")
    for line in band.in_force:
        print(f"  {line.duty_share:7.1%} {line.duty_kusd_per_t:7.1f} kUSD/t  {line.title}")
    print(f"  {band.duty_share:7.1%} {band.duty_kusd_per_t:7.1f} kUSD/t  in all")

print("Not counted on the last day:")
for line in band.not_counted:
    if line.outcome != "no_longer":
        print(f"  {line.title}: {line.why}")

# Output:
# Gallium metal from China on 2025-06-01
#      3.0%    17.4 kUSD/t  General duty, 3 %
#     25.0%   145.0 kUSD/t  Section 301 on China, 25 % from 2019-05-10
#     20.0%   116.0 kUSD/t  IEEPA fentanyl duty on China, 20 %
#     48.0%   278.4 kUSD/t  in all
# Gallium metal from China on 2026-11-24
#      3.0%    17.4 kUSD/t  General duty, 3 %
#     25.0%   145.0 kUSD/t  Section 301 on China, 25 % from 2019-05-10
#     28.0%   162.4 kUSD/t  in all
# Not counted on the last day:
#   Section 301 forced labour, 12.5 % group: exempt: HTS 8112.92.10
#   Pending: section 232 on processed critical minerals, 15 %: not in force unless an event switches it on
#   Pending: section 232 on processed critical minerals, 25 %: not in force unless an event switches it on
#   Pending: section 232 on processed critical minerals, 50 %: not in force unless an event switches it on
