"""What a picture and an idle month cost: the arithmetic, the prices, and the states that a picture passes."""

import json
import re
from typing import Any

import pytest
from rich.console import Console

from scripts.cost import (
    DEFINITION,
    PRICES,
    SECONDS,
    CostError,
    Prices,
    Resource,
    bill,
    express_usd,
    happy_path,
    made_resources,
    show,
)


def resource(kind: str, **values: Any) -> Resource:
    return {"type": kind, "mode": "managed", "values": values}


def function(key: str, memory_mb: int, architecture: str = "arm64") -> Resource:
    return resource(
        "aws_lambda_function",
        function_name=f"matteflow-test-{key}",
        memory_size=memory_mb,
        architectures=[architecture],
    )


def table(*projections: str) -> Resource:
    indexes = [{"projection_type": projection} for projection in projections]
    return resource("aws_dynamodb_table", global_secondary_index=indexes)


ENDPOINT = resource(
    "aws_sagemaker_endpoint_configuration",
    production_variants=[{"instance_type": "ml.g4dn.xlarge", "initial_instance_count": 1}],
)


def test_every_price_has_its_source_and_the_day_it_was_read() -> None:
    contents = json.loads(PRICES.read_text())
    for name, price in contents["prices"].items():
        assert price["usd"] > 0, name
        assert price["per"] >= 1, name
        assert price["source"].startswith("https://aws.amazon.com/"), name
        assert re.fullmatch(r"20\d\d(-\d\d-\d\d)?", price["read"]), name
    for name, other in contents["others"].items():
        assert other["source"], name
        assert other["read"], name


def test_a_picture_passes_every_branch_and_no_exception() -> None:
    path = happy_path(json.loads(DEFINITION.read_text()))
    assert len(path) == len(set(path)) == 16
    assert {"InferMask", "AnalyzeImage", "PublishNotice", "PublishEvent", "SaveResult"} <= set(path)
    assert not {"AlreadyProcessed", "SaveFailure", "SaveRejection", "SaveBlocked", "KeepNotice"} & set(path)


def test_a_function_costs_its_memory_for_its_seconds() -> None:
    resources = [function("apply_mask", 3072), function("inference", 2048, "x86_64"), function("record_failure", 256)]
    lines = {line.what: line for line in bill("lambda", resources, 16, Prices()).pictures}
    work = 3 * SECONDS["apply_mask"] * 0.0000133334 + 2 * SECONDS["inference"] * 0.0000166667
    assert lines["Lambda"].usd == pytest.approx(1000 * (work + 2 * 0.2e-6))
    assert lines["Lambda"].how.startswith("2 runs, ")
    assert lines["Step Functions"].usd == pytest.approx(0.4)


def test_every_index_that_holds_all_of_a_record_is_written_too() -> None:
    bare, indexed = (
        next(line.usd for line in bill("realtime", [each], 16, Prices()).pictures if line.what == "DynamoDB")
        for each in (table("KEYS_ONLY"), table("ALL", "KEYS_ONLY", "ALL"))
    )
    reads = 1000 * 12 * 0.125e-6
    assert indexed - reads == pytest.approx(3 * (bare - reads))


def test_an_endpoint_costs_all_the_time_unless_it_scales_to_zero() -> None:
    to_zero = resource("aws_appautoscaling_target", min_capacity=0)
    always_on, scaled = (bill("async", each, 16, Prices()).idle for each in ([ENDPOINT], [ENDPOINT, to_zero]))
    assert [line.usd for line in always_on if line.what == "SageMaker"] == pytest.approx([0.736 * 730])
    assert [line.usd for line in scaled if line.what == "SageMaker"] == [0]


def test_what_is_only_there_costs_by_the_month() -> None:
    acl = resource("aws_wafv2_web_acl", rule=[{}, {}, {}])
    alarms = [resource("aws_cloudwatch_metric_alarm") for _ in range(17)]
    queries = [{"metric": [{}]}, {"metric": [{}]}, {"metric": [], "expression": "SUM(METRICS())"}]
    alarms.append(resource("aws_cloudwatch_metric_alarm", metric_query=queries))
    secret = resource("aws_cloudfront_key_group")
    data = {**resource("aws_cloudwatch_dashboard"), "mode": "data"}
    idle = {line.what: line.usd for line in bill("lambda", [acl, *alarms, secret, data], 16, Prices()).idle}
    expected = {
        "WAF": 5.0,
        "WAF's rules": 3.0,
        "Alarms": 1.9,
        "The signing key's secret": 0.4,
        "The inference image": 0.1,
    }
    assert idle == pytest.approx(expected)


def test_what_the_audit_trail_writes_is_paid_for() -> None:
    lines = {line.what: line.usd for line in bill("lambda", [resource("aws_cloudtrail")], 16, Prices()).pictures}
    assert lines["Audit trail"] == pytest.approx(30 * 1000 / 100_000 * 0.1)
    assert "Audit trail" not in {line.what for line in bill("lambda", [], 16, Prices()).pictures}


def test_a_price_that_is_not_known_says_what_to_do() -> None:
    with pytest.raises(CostError, match=r"no price of ml\.p5\.xlarge_hour in .*prices\.json"):
        bill("realtime", [ENDPOINT], 16, Prices(), "ml.p5.xlarge")


def test_an_unknown_environment_is_told() -> None:
    with pytest.raises(CostError, match="no environment nowhere"):
        made_resources("nowhere")


def test_the_table_says_what_is_reached_and_what_is_not() -> None:
    prices = Prices()
    resources = [function("apply_mask", 3008), table("ALL", "ALL")]
    bills = {tier: bill(tier, resources, 16, prices) for tier in ("realtime", "async", "lambda")}
    console = Console(record=True, width=200)
    show(bills, 10_000, prices, console)
    said = console.export_text()
    total = bills["lambda"].without_labels
    assert f"{10 * total:,.2f}" in said
    assert f"{10 * (total + 4.75):,.2f}" in said
    assert f"the CPU is 0.20 USD: it is {total:.2f}" in said
    assert "200.00" in said, "Photoroom, for 10,000"
    assert express_usd(prices) < 0.01
