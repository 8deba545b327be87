"""What 1,000 pictures and an idle month cost on AWS, computed from the state machine and from Terraform.

    python -m scripts.cost [--env NAME] [--pictures N] [--instance-type TYPE]

Which states a picture passes is read in ``statemachine/process_image.asl.json``, what there is to pay for in what
Terraform would make of the environment (with a mocked AWS: no account is asked), and prices in ``prices.json``, with
source and date. What no file says, the work in a function and how much a picture writes, are the assumptions below.
"""

import argparse
import json
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from scripts import terraform

DEFINITION = terraform.PROJECT / "statemachine" / "process_image.asl.json"
PRICES = Path(__file__).with_name("prices.json")
TIERS = ("realtime", "async", "lambda")
GOAL_USD = 0.20  # for 1,000 pictures without labels, their masks made on the CPU
ARCHIVES = ("functions", "layer-core", "layer-imaging")
HOURS = 730  # a month

# Seconds of a warm function for a photograph of 12 megapixels. ValidateImage and ApplyMask are the processor's time on
# one machine and 0.2 s for S3 and DynamoDB; the mask is U2-Net-P's on two cores (B1); Rekognition's answer is a guess.
SECONDS = {
    "validate_image": 0.3,
    "infer_mask": 0.6,
    "complete_mask": 0.3,
    "analyze_image": 1.5,
    "apply_mask": 2.2,
    "save_result": 0.1,
    "api": 0.1,
    "inference": 0.4,
}
API_REQUESTS = 4  # to ask where to upload, and three looks at the result
OBJECTS_WRITTEN = 15  # upload, proxy, mask, its metadata, analysis, and ten outputs of the default options
OBJECTS_READ = 15
STORED_GB = 0.013  # upload and outputs
RECORD_WRITES_KB = (1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 8)  # the request, the claim, the steps' marks, and the result
RECORD_READS = 12
LOG_KB = 30  # a line of the state machine for every event of its history, and of each function
TRACED = 0.05  # X-Ray's share of the requests beyond the first in a second
MODERATED_PARTS = 4  # labels, faces, text and moderation; image properties have a price of their own
EXPRESS_GB = 0.0625  # an Express workflow is billed by pieces of 64 MB
IMAGE_GB = {"realtime": 4, "async": 4, "lambda": 1}  # the inference image, with and without CUDA
RECONCILIATIONS = 4 * HOURS
RECONCILIATION_S = 0.2

Resource = Mapping[str, Any]


class Line(NamedTuple):
    """One line of a bill in USD, and how it comes about."""

    what: str
    usd: float
    how: str


class CostError(Exception):
    """The cost cannot be computed; the message says why."""


class Prices:
    """What one of each thing costs, in USD."""

    def __init__(self, file: Path = PRICES) -> None:
        contents = json.loads(file.read_text())
        self._prices = contents["prices"]
        self.region: str = contents["region"]
        self.others: Mapping[str, Any] = contents["others"]
        self.oldest: str = min(price["read"] for price in self._prices.values())
        self.newest: str = max(price["read"] for price in self._prices.values())

    def of(self, name: str, count: float = 1) -> float:
        """The price of so many.

        Raises:
            CostError: there is no price of that name.
        """
        if name not in self._prices:
            raise CostError(f"There is no price of {name} in {PRICES}. Add it, with its source and date.")
        price = self._prices[name]
        return float(price["usd"] / price["per"] * count)


class Bill(NamedTuple):
    """What one tier costs: for each 1,000 pictures, and in a month in which nothing happens."""

    pictures: list[Line]
    idle: list[Line]
    labels: Line

    @property
    def without_labels(self) -> float:
        return sum(line.usd for line in self.pictures)

    @property
    def with_labels(self) -> float:
        return self.without_labels + self.labels.usd


def happy_path(definition: Mapping[str, Any]) -> list[str]:
    """The states that a picture enters which is taken, finished, and of no doubt: each is a transition that is billed.

    Args:
        definition: a state machine, or a branch of one.
    """

    def states() -> Iterator[str]:
        name: str | None = definition["StartAt"]
        while name is not None:
            state = definition["States"][name]
            yield name
            for branch in state.get("Branches", ()):
                yield from happy_path(branch)
            name = state.get("Default", state.get("Next"))

    return list(states())


def made_resources(environment: str) -> dict[str, list[Resource]]:
    """The resources that Terraform would make of an environment, by tier.

    Raises:
        CostError: there is no such environment, or Terraform cannot make it.
        TerraformError: Terraform is not installed, or cannot be initialised.
    """
    variables = terraform.ENVIRONMENTS / f"{environment}.tfvars"
    if not variables.exists():
        raise CostError(f"There is no environment {environment}: {variables} is not there.")
    with tempfile.TemporaryDirectory() as folder:
        for name in ARCHIVES:
            zipfile.ZipFile(f"{folder}/{name}.zip", "w").close()
        data_dir = Path(folder) / "data"
        terraform.initialize("-backend=false", "-test-directory=cost", data_dir=data_dir)
        done = terraform.terraform(
            "test",
            "-test-directory=cost",
            "-json",
            "-verbose",
            f"-var-file={variables}",
            f"-var=build_dir={folder}",
            "-var=inference_image_uri=123456789012.dkr.ecr.us-east-1.amazonaws.com/matteflow-inference:1",
            data_dir=data_dir,
            capture=True,
        )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0:
        problems = [event["@message"] for event in events if event["@level"] == "error"]
        raise CostError("\n".join(["Terraform cannot make the environment:", *problems, done.stderr]))
    return {
        event["@testrun"]: event["test_state"]["root_module"]["resources"]
        for event in events
        if event["type"] == "test_state"
    }


def bill(
    tier: str, resources: Sequence[Resource], transitions: int, prices: Prices, instance_type: str | None = None
) -> Bill:
    """What the resources of a tier cost.

    Args:
        transitions: how many states a picture enters.
        instance_type: another one than Terraform's.
    """
    functions = {
        function["values"]["function_name"]: function["values"] for function in _of(resources, "aws_lambda_function")
    }
    return Bill(
        pictures=list(_picture_lines(tier, functions, resources, transitions, prices)),
        idle=list(_idle_lines(tier, functions, resources, prices, instance_type)),
        labels=Line(
            "Rekognition, five parts",
            1000 * (prices.of("rekognition_image", MODERATED_PARTS) + prices.of("rekognition_properties")),
            f"{MODERATED_PARTS} images and the image properties",
        ),
    )


def express_usd(prices: Prices) -> float:
    """What the transitions of 1,000 pictures would cost as executions of an Express workflow."""
    steps = ("validate_image", "analyze_image", "apply_mask", "save_result")
    gb_seconds = EXPRESS_GB * sum(SECONDS[step] for step in steps)
    return 1000 * (prices.of("express_request") + prices.of("express_gb_second", gb_seconds))


def _picture_lines(
    tier: str, functions: Mapping[str, Resource], resources: Sequence[Resource], transitions: int, prices: Prices
) -> Iterator[Line]:
    yield Line("Step Functions", 1000 * prices.of("state_transition", transitions), f"{transitions} state transitions")
    yield _function_line(functions, prices)
    if tier == "async":
        yield Line("SageMaker", 0.0, "by the hour: from the first picture to some minutes after the last")
    indexes = [
        index for table in _of(resources, "aws_dynamodb_table") for index in table["values"]["global_secondary_index"]
    ]
    copies = 1 + sum(index["projection_type"] == "ALL" for index in indexes)
    units = copies * sum(RECORD_WRITES_KB)
    yield Line(
        "DynamoDB",
        1000 * (prices.of("dynamodb_write_unit", units) + prices.of("dynamodb_read_unit", RECORD_READS)),
        f"{len(RECORD_WRITES_KB)} writes in {copies} copies: {units} units",
    )
    yield Line(
        "S3 requests",
        1000 * (prices.of("s3_put", OBJECTS_WRITTEN) + prices.of("s3_get", OBJECTS_READ)),
        f"{OBJECTS_WRITTEN} objects written, {OBJECTS_READ} reads",
    )
    if _of(resources, "aws_cloudtrail"):
        accesses = OBJECTS_WRITTEN + OBJECTS_READ
        yield Line("Audit trail", 1000 * prices.of("data_event", accesses), f"{accesses} data events")
    yield Line(
        "API, events, notice",
        1000 * (prices.of("http_api_request", API_REQUESTS) + prices.of("event", 2) + prices.of("sns_publish")),
        f"{API_REQUESTS} requests, 2 events, 1 notice",
    )
    yield Line(
        "Logs and traces",
        1000 * (prices.of("log_gb", LOG_KB / 1e6) + prices.of("xray_trace", TRACED)),
        f"{LOG_KB} KB a picture",
    )


def _function_line(functions: Mapping[str, Resource], prices: Prices) -> Line:
    """The functions that a picture runs, of those that there are."""
    usd = gb_seconds = 0.0
    runs = 0
    for name, function in functions.items():
        key = name.rpartition("-")[2]
        if key in SECONDS:
            calls = API_REQUESTS if key == "api" else 1
            usd += _runs_usd(function, calls, SECONDS[key], prices)
            gb_seconds += _gb_seconds(function, calls, SECONDS[key])
            runs += calls
    return Line("Lambda", 1000 * usd, f"{runs} runs, {gb_seconds:.1f} GB-s")


def _runs_usd(function: Resource, runs: int, seconds: float, prices: Prices) -> float:
    (architecture,) = function["architectures"]
    work = prices.of(f"lambda_gb_second_{architecture}", _gb_seconds(function, runs, seconds))
    return prices.of("lambda_request", runs) + work


def _gb_seconds(function: Resource, runs: int, seconds: float) -> float:
    return float(runs * function["memory_size"] / 1024 * seconds)


def _idle_lines(
    tier: str,
    functions: Mapping[str, Resource],
    resources: Sequence[Resource],
    prices: Prices,
    instance_type: str | None,
) -> Iterator[Line]:
    for endpoint in _of(resources, "aws_sagemaker_endpoint_configuration"):
        (variant,) = endpoint["values"]["production_variants"]
        scaled = [target["values"]["min_capacity"] for target in _of(resources, "aws_appautoscaling_target")]
        least = min(scaled, default=variant["initial_instance_count"])
        kind = instance_type or variant["instance_type"]
        yield Line("SageMaker", prices.of(f"{kind}_hour", least * HOURS), f"{least} x {kind}")
    if alarms := _of(resources, "aws_cloudwatch_metric_alarm"):
        watched = sum(map(_watched_metrics, alarms))
        yield Line("Alarms", prices.of("alarm_month", watched), f"{len(alarms)} on {watched} metrics")
    for what, price, kind in (
        ("CloudWatch dashboard", "dashboard_month", "aws_cloudwatch_dashboard"),
        ("The signing key's secret", "secret_month", "aws_cloudfront_key_group"),
        ("WAF", "web_acl_month", "aws_wafv2_web_acl"),
    ):
        if found := _of(resources, kind):
            yield Line(what, prices.of(price, len(found)), f"{len(found)}")
    rules = sum(len(acl["values"]["rule"]) for acl in _of(resources, "aws_wafv2_web_acl"))
    if rules:
        yield Line("WAF's rules", prices.of("web_acl_rule_month", rules), f"{rules}")
    for name, function in functions.items():
        if name.endswith("-reconcile_records"):
            usd = _runs_usd(function, RECONCILIATIONS, RECONCILIATION_S, prices)
            yield Line("The reconciler", usd, "a run a quarter of an hour")
    yield Line("The inference image", prices.of("ecr_gb_month", IMAGE_GB[tier]), f"{IMAGE_GB[tier]} GB in ECR")


def _watched_metrics(alarm: Resource) -> int:
    """How many metrics an alarm is on, each of which is billed: one, or those of its expression."""
    return max(1, sum(bool(query["metric"]) for query in alarm["values"].get("metric_query", ())))


def _of(resources: Sequence[Resource], kind: str) -> list[Resource]:
    return [resource for resource in resources if resource["type"] == kind and resource["mode"] == "managed"]


def _table(title: str, lines: Mapping[str, Sequence[Line]], totals: Sequence[tuple[str, Sequence[float]]]) -> Table:
    """Lines of every tier side by side."""
    table = Table("", *lines, "from", title=title, title_justify="left")
    whats = dict.fromkeys(line.what for tier in lines.values() for line in tier)
    for what in whats:
        found = {tier: next((line for line in each if line.what == what), None) for tier, each in lines.items()}
        hows = dict.fromkeys(line.how for line in found.values() if line)
        table.add_row(what, *(f"{line.usd:,.3f}" if line else "-" for line in found.values()), "; ".join(hows))
    table.add_section()
    for what, totals_by_tier in totals:
        table.add_row(what, *(f"{usd:,.2f}" for usd in totals_by_tier), "", style="bold")
    return table


def show(bills: Mapping[str, Bill], pictures: int, prices: Prices, console: Console) -> None:
    """Print every tier's bill, and what others charge."""
    thousands = pictures / 1000
    scaled = {
        tier: [line._replace(usd=line.usd * thousands) for line in (*each.pictures, each.labels)]
        for tier, each in bills.items()
    }
    totals = [
        ("Total with labels", [each.with_labels * thousands for each in bills.values()]),
        ("Total without labels", [each.without_labels * thousands for each in bills.values()]),
    ]
    console.print(_table(f"USD for {pictures:,} pictures", scaled, totals))
    idle = {tier: each.idle for tier, each in bills.items()}
    console.print(
        _table(
            "USD a month while nothing happens",
            idle,
            [("Total", [sum(line.usd for line in each) for each in idle.values()])],
        )
    )
    others = Table("what others charge", f"USD for {pictures:,} pictures", "source")
    for name, other in prices.others.items():
        least, most = (usd * thousands for usd in other["usd_for_1000"])
        others.add_row(name, f"{least:,.2f}" if least == most else f"{least:,.2f} to {most:,.2f}", other["source"])
    console.print(others)
    ours, transitions = bills["lambda"].without_labels, bills["lambda"].pictures[0].usd
    rest = ours - transitions + express_usd(prices)
    console.print(
        f"The goal for 1,000 pictures without labels on the CPU is {GOAL_USD:.2f} USD: it is {ours:.2f}, of which the "
        f"state transitions are {transitions:.2f}. As an Express workflow, which keeps no history, waits for no "
        f"endpoint and may run a step twice, it would be {rest:.2f}."
    )
    console.print(
        f"List prices of {prices.region}, read from {prices.oldest} to {prices.newest} ({PRICES.name}); nothing was "
        f"billed. Free tiers, transfer to the internet and storage are left out: 1,000 pictures kept a month are "
        f"{1000 * prices.of('s3_gb_month', STORED_GB):.2f} more. A custom metric is up to "
        f"{prices.of('custom_metric_month'):.2f} a month more, by the hours in which it is told: four of the masks, "
        "and one of the time for each way to end."
    )


def bills_of(environment: str, prices: Prices, instance_type: str | None = None) -> dict[str, Bill]:
    """The bill of every tier of an environment.

    Raises:
        CostError: it cannot be computed; the message says why.
        TerraformError: Terraform is not installed, or cannot be initialised.
    """
    transitions = len(happy_path(json.loads(DEFINITION.read_text())))
    resources = made_resources(environment)
    return {tier: bill(tier, resources[tier], transitions, prices, instance_type) for tier in TIERS}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.cost", description="What it costs on AWS, and idle.")
    parser.add_argument("--env", default="dev", metavar="NAME", help="the environment to price (default: dev)")
    parser.add_argument("--pictures", type=int, default=1000, metavar="N", help="how many (default: 1000)")
    parser.add_argument("--instance-type", metavar="TYPE", help="of the endpoint, another one than the environment's")
    options = parser.parse_args(arguments)
    prices = Prices()
    try:
        bills = bills_of(options.env, prices, options.instance_type)
    except (CostError, terraform.TerraformError) as error:
        print(error, file=sys.stderr)
        return 1
    show(bills, options.pictures, prices, Console(width=None if sys.stdout.isatty() else 160))
    return 0


if __name__ == "__main__":
    sys.exit(main())
