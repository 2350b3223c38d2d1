"""Odd but legal scenarios, by number: what a planner may write though nobody would expect it.

Demand of 0, one period, long and unequal periods, capacity 0, probabilities of 0, 1 and 1e-9, duties of 0 and 1,000 %,
masses and prices from 1e-6 to 1e9, loops of recipes, names with hostile signs. The number decides the structure and
every figure; names come from outside, so that the same scenario can be written with others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from volumes import with_volumes

Data = dict[str, Any]
Naming = Callable[[str], str]
"""From a plain name to the one that is written."""

FIRST_YEAR = 2026
LENGTHS = ([1], [4], [1, 1], [1, 1, 1], [1, 2, 4], [3, 1], [5, 1, 10], [1, 1, 1, 1, 1], [1, 30], [2, 2])
PROBABILITIES = (0.0, 1e-9, 0.2, 0.5, 1.0)
RATES = (0.0, 0.0, 0.25, 1.0, 10.0)
TIERS = ("military", "essential_civilian", "other", "export")
HOSTILE = (
    *("clean", "all", "base", "in_quota", "over_quota/clean", "x/y", "a + b", "f@2028", "2027"),
    *("without B", "CHN mined_in", "a.b", "'quoted'", 'say "so"', "[0]", "=1+1", "-", "é ü ß", "鉱物"),
    *("  spaced", "null", "true", "1e5", "NaN", "home", "USA", "<b>", "%s {0}", "a\\b", "#", "ends in dot.", "x" * 120),
)


def plain(name: str) -> str:
    """The name as it is."""
    return name


def hostile(number: int) -> Naming:
    """Names with signs of our own, of YAML, of spreadsheets and of patches; each plain name has one, all different."""
    random = Random(f"names {number}")
    pool = random.sample(HOSTILE, len(HOSTILE))
    given: dict[str, str] = {}

    def name(wanted: str) -> str:
        if wanted not in given:
            given[wanted] = pool[len(given)].strip() if len(given) < len(pool) else f"{wanted} {len(given)}"
        return given[wanted]

    return name


def odd_scenario(number: int, name: Naming = plain) -> Data:
    """The scenario of this number, as plain data."""
    return _Draw(Random(number), name).scenario()


@dataclass
class _Draw:
    random: Random
    name: Naming

    def scenario(self) -> Data:
        random = self.random
        self.lengths = random.choice(LENGTHS)
        self.starts = [FIRST_YEAR + sum(self.lengths[:i]) for i in range(len(self.lengths))]
        self.goods = [f"good {i}" for i in range(random.randint(1, 4))]
        self.abroad = [f"place {i}" for i in range(random.randint(1, 3))]
        self.unit_t = {good: 10.0 ** random.choice((-3, -1, 0, 2, 4, 7)) for good in self.goods}
        self.price = {good: 10.0 ** random.choice((-3, -1, 0, 1, 3)) for good in self.goods}
        data: Data = {
            "name": "odd",
            "home": self.name("home place"),
            "horizon": {"first_year": FIRST_YEAR, "period_years": self.lengths},
            "economics": {
                "discount_rate": random.choice((0.0, 0.05, 0.3)),
                "view": random.choice(("importer", "national")),
            },
            "risk": self.risk(),
            "commodities": {self.name(good): self.commodity(good, i) for i, good in enumerate(self.goods)},
            "places": self.places(),
            "facilities": {},
            "projects": {},
            "routes": {},
            "demands": {},
        }
        for good in self.goods:
            self.add_offers(data, good)
        self.add_demands(data)
        self.add_plants(data)
        self.add_projects(data)
        data["tariffs"] = dict(self.tariff(i) for i in range(random.randint(0, 3)))
        data["stockpiles"] = dict(self.stockpile(i) for i in range(random.choice((0, 0, 1, 2))))
        data["recycling"] = dict(self.recycling(i) for i in range(random.choice((0, 0, 1))))
        self.add_futures(data)
        data["limits"] = dict(self.limit(data, i) for i in range(random.choice((0, 0, 1, 2))))
        if data["risk"].get("objective") == "maximum_regret" and len(data.get("futures", {})) < 3:
            data["risk"] = {}
        return with_volumes(data, 4 * max(self.unit_t.values()))

    def some(self, *values: Any) -> Any:
        return self.random.choice(values)

    def number(self, size: float) -> float:
        """A number of about this size, sometimes 0."""
        return 0.0 if self.random.random() < 0.08 else float(f"{size * self.random.uniform(0.2, 3):.3g}")

    def by_year(self, size: float) -> Any:
        """A number, or two of them from different years on."""
        first, later = self.number(size), self.number(size)
        return (
            first if self.random.random() < 0.7 else {FIRST_YEAR: first, FIRST_YEAR + self.random.randint(1, 4): later}
        )

    def risk(self) -> Data:
        objective = self.some(*["cost"] * 8, "worst_future", "expected_shortage", "maximum_regret")
        tail = {"tail_weight": self.some(0.0, 0.0, 0.5, 0.99), "tail_level": self.some(0.0, 0.5, 0.95)}
        return tail if objective == "cost" else {"objective": objective}

    def commodity(self, good: str, position: int) -> Data:
        return {
            "stage": ("ore", "refined", "semi_finished", "product")[position],
            "mineral_group": self.name(self.some("group of one", "group of two")),
            "reference_price_kusd_per_t": self.price[good],
            "contained_share": self.some(1.0, 0.5, 0.01),
            "disposable": self.some(True, True, False),
            "hts": self.some([], ["8112.92.06"], ["2504", "8112"]),
        }

    def places(self) -> Data:
        places: Data = {self.name("home place"): {}}
        for place in self.abroad:
            places[self.name(place)] = {"groups": self.some([], [self.name("a group")])}
        return places

    def add_offers(self, data: Data, good: str) -> None:
        for nth, place in enumerate(self.random.sample(self.abroad, self.random.randint(1, len(self.abroad)))):
            key = f"{good} of {place}"
            offer: Data = {"place": self.name(place), "outputs": {self.name(good): self.some(1.0, 1.0, 0.25)}}
            kind = self.some("plain", "plain", "steps", "curve")
            if kind == "steps":
                widths, costs = (
                    (self.number(self.unit_t[good]) or 1.0 for _ in "ab"),
                    sorted(self.price[good] * x for x in (0.7, 2)),
                )
                offer["steps"] = [
                    {"width_t_per_y": w, "cost_kusd_per_t": c} for w, c in zip(widths, costs, strict=True)
                ]
            else:
                offer["cost_kusd_per_t"] = self.by_year(self.price[good])
            if kind == "curve":
                end = 3.0 * self.unit_t[good]
                offer["supply_curve"] = {
                    "observed_t_per_y": end / 3,
                    "elasticity": self.some(0.1, 2.0),
                    "up_to_t_per_y": end,
                }
            if self.random.random() < 0.6:
                # Of what nobody could supply, validation refuses the demand: the first offer has something.
                none = 0.0 if nth else 1.0
                offer["capacity_t_per_y"] = self.some(none, self.by_year(self.unit_t[good]), 4.0 * self.unit_t[good])
                if kind == "curve":
                    offer["capacity_t_per_y"] = end
                offer["home_share"] = self.some(1.0, 1.0, 0.5) if kind != "curve" else 1.0
                offer["minimum_utilisation_share"] = self.some(0.0, 0.0, 0.0, 0.2)
            if self.random.random() < 0.1:
                offer["growth"] = {
                    "share_per_y": self.some(0.0, 0.1, 1.0),
                    "seed_t_per_y": self.number(self.unit_t[good]),
                }
            if self.random.random() < 0.1:
                offer["reserves_t"] = self.number(5 * self.unit_t[good])
            data["facilities"][self.name(key)] = offer
            data["routes"][self.name(f"route of {key}")] = self.route(good, place, none=0.0 if nth else 1.0)

    def route(self, good: str, place: str, none: float) -> Data:
        route: Data = {
            "commodity": self.name(good),
            "origin": self.name(place),
            "destination": self.name("home place"),
            "freight_kusd_per_t": self.number(0.1 * self.price[good]),
            "customs_value_kusd_per_t": self.price[good],
        }
        if self.random.random() < 0.2:
            route["capacity_t_per_y"] = self.some(none, self.by_year(self.unit_t[good]))
        if self.random.random() < 0.2:
            cost = self.number(self.price[good] * self.unit_t[good])
            route.setdefault("capacity_t_per_y", 3.0 * self.unit_t[good])
            route["onboarding"] = {"cost_kusd": cost, "lead_years": self.some(0.0, 1.0, 2.5)}
            route["onboarding"]["minimum_t_per_y"] = self.some(0.0, 0.0, 0.1 * self.unit_t[good])
        return route

    def add_demands(self, data: Data) -> None:
        made = {good for offer in data["facilities"].values() for good in offer["outputs"]}
        supplied = [good for good in self.goods if self.name(good) in made]
        wanted = self.random.sample(supplied, self.random.randint(1, len(supplied)))
        for good in wanted:
            for tier in self.random.sample(TIERS, self.some(1, 1, 2)):
                penalty = self.price[good] * self.some(0.5, 5.0, 50.0, 1e4)
                steps: Any = self.some(penalty, penalty, {0.1: penalty, 1: 3 * penalty})
                demand: Data = {
                    "commodity": self.name(good),
                    "tier": tier,
                    "quantity_t_per_y": self.some(0.0, *[self.by_year(self.unit_t[good])] * 5),
                    "shortage_penalty_kusd_per_t": steps,
                }
                if self.random.random() < 0.15:
                    demand["substitutes"] = {
                        self.name("a substitute"): {
                            "limit_share": self.some(0.0, 0.1, 1.0),
                            "cost_kusd_per_t": self.number(self.price[good]),
                        }
                    }
                if self.random.random() < 0.1:
                    demand["elastic"] = {"price_kusd_per_t": self.price[good], "elasticity": self.some(0.05, 1.0)}
                if self.random.random() < 0.15:
                    role = self.some("last_origin", "mined_in", "any_stage")
                    places = [self.name(self.some(*self.abroad))]
                    demand["source_bans"] = {self.name("a ban"): {"places": places, "role": role}}
                data["demands"][self.name(f"demand of {tier} for {good}")] = demand

    def add_plants(self, data: Data) -> None:
        """Plants along the chain, and now and then one that turns it back: a loop."""
        for first, second in zip(self.goods, self.goods[1:], strict=False):
            if self.random.random() < 0.6:
                data["facilities"][self.name(f"plant for {second}")] = self.plant(first, second)
            if self.random.random() < 0.2:
                data["facilities"][self.name(f"back to {first}")] = self.plant(second, first)

    def plant(self, source: str, product: str) -> Data:
        taken = max(1e-8, self.unit_t[source] / self.unit_t[product])
        return {
            "place": self.name("home place"),
            "inputs": {self.name(source): float(f"{taken * self.some(0.5, 1.0, 1.2):.3g}")},
            "outputs": {self.name(product): 1.0},
            "cost_kusd_per_t": self.number(0.2 * self.price[product]),
            "capacity_t_per_y": self.some(0.0, self.by_year(self.unit_t[product]), 2.0 * self.unit_t[product]),
        }

    def add_projects(self, data: Data) -> None:
        for i in range(self.some(0, 0, 1, 2)):
            good = self.some(*self.goods)
            worth = self.price[good] * self.unit_t[good]
            project: Data = {
                "place": self.name("home place"),
                "outputs": {self.name(good): 1.0},
                "capacity_t_per_y": self.some(0.0, self.unit_t[good], self.by_year(self.unit_t[good])),
                "cost_kusd_per_t": self.number(0.3 * self.price[good]),
                "capex_kusd": self.number(2 * worth),
                "capex_spending_share": self.some([1.0], [0.5, 0.5], [0.2, 0.3, 0.5]),
                "life_years": self.some(0.5, 20.0),
                "ramp_up_share": self.some([1.0], [0.0, 1.0], [0.3, 0.6, 1.0]),
                "tracks": {
                    self.name("slow way"): {
                        "permit_years": self.some(0.0, 1.0, 7.5),
                        "construction_years": self.some(0.0, 1.0),
                    }
                },
                "start_in_branches": self.some(True, False),
                "grant_share": self.some(0.0, 0.0, 1.0),
            }
            if self.random.random() < 0.4:
                extra = {
                    "permit_years": 0.0,
                    "construction_years": 1.0,
                    "extra_cost_kusd": self.number(worth),
                    "permit_slots": 1.0,
                }
                project["tracks"][self.name("quick way")] = extra
            if self.random.random() < 0.15 and project["tracks"][self.name("slow way")]["permit_years"] < 2 < sum(
                self.lengths
            ):
                project["forced_track"] = self.name("slow way")
            data["projects"][self.name(f"project {i}")] = project

    def tariff(self, number: int) -> tuple[str, Data]:
        measure: Data = {
            "programme": self.name(self.some("a programme", "mfn")),
            "origins": self.some(["*"], [self.name(self.abroad[0])]),
            "commodities": [self.name(self.some(*self.goods))],
            "rate_share": self.some(*RATES),
            "precedence": number,
        }
        if self.random.random() < 0.3:
            measure["onset"] = f"{FIRST_YEAR + self.random.randint(0, 3)}-{self.random.randint(1, 12):02}-15"
        if number == 0 and self.random.random() < 0.4:
            volume = self.unit_t[self.goods[0]] * self.some(0.1, 2.0)
            measure["quota"] = {"volume_t_per_y": volume, "in_quota_rate_share": self.some(0.0, 0.1)}
        return self.name(f"measure {number}"), measure

    def stockpile(self, number: int) -> tuple[str, Data]:
        good = self.some(*self.goods)
        pile: Data = {
            "commodity": self.name(good),
            "opening_t": self.number(self.unit_t[good]),
            "capacity_t": 9.0 * self.unit_t[good],
            "fill_t_per_y": self.some(0.0, self.by_year(self.unit_t[good])),
            "loss_share_per_y": self.some(0.0, 0.0, 0.1, 1.0),
            "holding_kusd_per_t_y": self.number(0.01 * self.price[good]),
            "end_value_kusd_per_t": self.some(0.0, 0.5, -0.1, 2.0) * self.price[good],
            "kind": self.some("commercial", "strategic"),
        }
        if self.random.random() < 0.2:
            pile["cover_days"] = self.some(0.0, 30.0, 400.0)
        return self.name(f"pile {number}"), pile

    def recycling(self, number: int) -> tuple[str, Data]:
        good = self.some(*self.goods)
        rule: Data = {"commodity": self.name(good), "cost_kusd_per_t": self.number(0.1 * self.price[good])}
        if self.random.random() < 0.5:
            rule["available_t_per_y"] = self.some(0.0, self.by_year(0.3 * self.unit_t[good]))
        else:
            rule |= {
                "from_commodity": self.name(good),
                "recovered_t_per_t": self.some(0.01, 0.5, 1.0),
                "lag_years": self.some(0.0, 0.5, 3.0),
            }
        return self.name(f"scrap {number}"), rule

    def add_futures(self, data: Data) -> None:
        """Futures whose probabilities add to 1, some of them next to impossible, some certain, some tests."""
        if len(self.starts) < 2 or self.random.random() < 0.2:
            return
        events: Data = {}
        futures: Data = {}
        left = 1.0
        for i in range(self.some(1, 1, 2, 3)):
            event = self.name(f"event {i}")
            events[event] = self.event()
            if self.random.random() < 0.15:
                futures[self.name(f"future {i}")] = {"stress": True, "events": [event]}
                continue
            probability = min(left, self.some(*PROBABILITIES))
            if left == 0.0:
                break
            left -= probability
            futures[self.name(f"future {i}")] = {"probability": probability, "events": [event]}
        futures[self.name("as planned")] = {}
        data["events"], data["futures"] = events, futures

    def event(self) -> Data:
        onset = self.some(*self.starts[1:]) + self.some(0, 0, 0.4)
        day = f"{int(onset)}-{'06-01' if onset % 1 else '01-01'}"
        _good, place = [self.name(self.some(*self.goods))], [self.name(self.some(*self.abroad))]
        kind = self.some("exports", "exports", "output", "price", "demand")
        until = self.some(None, None, f"{int(onset) + 1}-03-01", f"{int(onset) + 3}-01-01")
        if kind == "demand":
            return {"changes": kind, "factor": self.some(0.0, 3.0), "onset": day, "until": until}
        if kind == "price":
            return {"changes": kind, "places": place, "factor": self.some(0.0, 1.0, 10.0), "onset": day, "until": until}
        return {
            "changes": kind,
            "places": place,
            "availability_share": self.some(0.0, 0.0, 0.5, 1.0),
            "onset": day,
            "until": until,
        }

    def limit(self, data: Data, number: int) -> tuple[str, Data]:
        good = self.some(*self.goods)
        limit: Data = self.some(
            {
                "kind": "share_cap",
                "commodity": self.name(good),
                "places": [self.name(self.abroad[0])],
                "cap_share": self.some(0.0, 0.5, 1.0),
            },
            {
                "kind": "minimum_share",
                "commodity": self.name(good),
                "source": "domestic",
                "minimum_share": self.some(0.0, 0.3),
            },
            {"kind": "net_import_reliance", "commodity": self.name(good), "cap_share": self.some(0.3, 1.0)},
            {"kind": "concentration_cap", "commodity": self.name(good), "cap_index": self.some(0.3, 0.9, 1.0)},
            {
                "kind": "budget",
                "covers": self.some(["capex"], ["stock", "capex"], ["onboarding", "support"]),
                "amount_kusd_per_y": self.number(self.price[good] * self.unit_t[good]),
            },
            {"kind": "permit_slots", "slots_per_y": self.some(0.0, 0.5, 1.0)},
            {
                "kind": "service_floor",
                "tiers": [self.some(*(d["tier"] for d in data["demands"].values()))],
                "served_share": self.some(0.0, 0.5, 1.0),
            },
        )
        if self.random.random() < 0.6:
            limit["violation_price_kusd"] = self.price[good] * self.some(0.1, 10.0, 1e4)
        if self.random.random() < 0.2:
            limit["applies_to"] = "base_path"
        return self.name(f"limit {number}"), limit
