"""Write the scenario of another country as a folder of CSV tables, as a spreadsheet saves them, and solve it.

Each collection of a scenario may be a table with a row for each entry. Semicolons with decimal commas are read as well
as commas with decimal points; a text that holds a semicolon stands in quotes. Money is in kUSD. All numbers here are
invented.
"""

from pathlib import Path

import lodeplan

files = {
    "scenario.yaml": "name: germany\nhome: DEU\nhorizon: {first_year: 2026, period_years: [1, 1, 2]}\n",
    "commodities.csv": "name;stage;mineral_group\nlithium hydroxide;refined;lithium\n",
    "places.csv": "name;title\nDEU;Germany\nCHL;Chile\nAUS;Australia\n",
    "facilities.csv": "name;place;outputs;capacity_t_per_y;cost_kusd_per_t\n"
    "brine;CHL;lithium hydroxide=1;6000;9,5\n"
    "hard rock;AUS;lithium hydroxide=1;;12,25\n",
    "routes.csv": "name;commodity;origin;destination;freight_kusd_per_t;customs_value_kusd_per_t\n"
    "from Chile;lithium hydroxide;CHL;DEU;0,4;10\n"
    "from Australia;lithium hydroxide;AUS;DEU;0,5;12,5\n",
    "tariffs.csv": "name;programme;origins;commodities;rate_share\ngeneral duty;mfn;AUS;lithium hydroxide;0,053\n",
    "demands.csv": "name;commodity;tier;quantity_t_per_y;shortage_penalty_kusd_per_t\n"
    'batteries;lithium hydroxide;other;"2026=5000; 2027=8000; 2028=12000";80\n',
}
folder = Path("germany")
folder.mkdir(exist_ok=True)
for name, text in files.items():
    (folder / name).write_text(text, encoding="utf-8")

plan = lodeplan.solve(folder)
supply = plan.tables["supply"].pivot_table(index="year", columns="place", values="base_t_per_y", fill_value=0)
print("t a year, by place of origin\n" + supply.round().astype(int).to_string())
cost_musd, duty_musd = plan.summary.objective_kusd / 1000, plan.summary.duty_kusd / 1000
print(f"discounted cost {cost_musd:.1f} million USD, of which duty {duty_musd:.1f}")

# Output:
# t a year, by place of origin
# place   AUS   CHL
# year
# 2026      0  5000
# 2027   2000  6000
# 2028   6000  6000
# discounted cost 379.3 million USD, of which duty 8.3
