"""B11: what 1,000 pictures cost without labels, their masks made on the CPU, beside what others charge. Computed."""

from scripts.cost import GOAL_USD, Prices, bills_of
from tests.benchmarks.measure import Row


def cost() -> Row:
    prices = Prices()
    ours = bills_of("dev", prices)["lambda"]
    idle = sum(line.usd for line in ours.idle)
    transitions, functions = (line.how for line in ours.pictures[:2])
    return Row(
        id="B11",
        work=(
            f"USD for 1,000 pictures without labels, masks on the CPU: {transitions}, {functions}. "
            f"With labels {ours.with_labels:.2f}; idle {idle:.2f} a month"
        ),
        ours=round(ours.without_labels, 3),
        peers={name: other["usd_for_1000"][0] for name, other in prices.others.items()},
        floor=None,
        ratio=ours.without_labels / GOAL_USD,
        goal=f"at most {GOAL_USD:.2f} USD without labels on the CPU tier; 0 USD idle",
        met=ours.without_labels <= GOAL_USD and idle == 0,
    )
