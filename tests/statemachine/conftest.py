"""The deployed state machine, run by MiniStack, with every service call answered here and every step's real handler."""

import contextlib
import importlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
import uuid6
from PIL import Image

from tests.loopback import free_port
from tests.statemachine.scenarios import Scenario
from tests.statemachine.services import Run, Services, invoke, served
from tests.statemachine.workflow import DEFINITION_TEXT, FUNCTIONS
from tests.unit.buckets import MASKS_BUCKET, RESULTS_BUCKET, UPLOADS_BUCKET, make_buckets
from tests.unit.pictures import encoded
from tests.unit.record_table import TABLE, make_records, sample

EMULATOR_PYTHON = Path(__file__).parents[2] / ".tools" / "ministack" / "bin" / "python"

ENVIRONMENT = {
    "TABLE_NAME": TABLE,
    "MASKS_BUCKET": MASKS_BUCKET,
    "RESULTS_BUCKET": RESULTS_BUCKET,
    "MASK_TIER": "realtime",
    "MASK_PROVIDER": "mask",
    "MAX_SIZE_BYTES": "1000000",
    "MAX_PIXELS": "1000000",
    "MAX_FRAMES": "10",
    "ACCEPTED_FORMATS": "JPEG,PNG",
    "PROXY_MAX_SIDE": "256",
    "RECORD_TTL_DAYS": "90",
    "DEFAULT_OPTIONS": '{"formats": ["png"], "thumbnail_sizes": [{"width": 100, "height": 100}]}',
    "MAX_LABELS": "100",
    "LABEL_MIN_CONFIDENCE": "55",
    "MODERATION_MIN_CONFIDENCE": "60",
    "BLOCKED_MODERATION": "Explicit",
    "RESULTS_URL": "https://matteflow.example/results",
    "POWERTOOLS_SERVICE_NAME": "statemachine-test",
    "LOG_LEVEL": "ERROR",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@pytest.fixture(scope="module")
def services() -> Services:
    return Services()


@pytest.fixture(scope="module")
def services_url(services: Services) -> Iterator[str]:
    with served(services) as url:
        yield url


@pytest.fixture(scope="module")
def emulator(services_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a MiniStack of its own, whose Step Functions ask ``services`` and wait for nothing."""
    home = tmp_path_factory.mktemp("ministack")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "SFN_WAIT_SCALE": "0",
        "STATE_DIR": str(home / "state"),
        "S3_DATA_DIR": str(home / "s3"),
        "TMPDIR": str(home),
        "LOG_LEVEL": "WARNING",
        "TESTS_URL": services_url,
    }
    log = home / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [EMULATOR_PYTHON, Path(__file__).with_name("emulator.py")],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_it_answers(f"{url}/_ministack/health", process, log)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(url, timeout=5).ok:
                return
        time.sleep(0.1)
    raise AssertionError(f"MiniStack did not start:\n{log.read_text()}")


class Workflow:
    """The deployed state machine. A scenario is executed once, however many tests look at it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._runs: dict[str, Run] = {}
        self._s3 = boto3.client("s3")
        self._table = boto3.resource("dynamodb").Table(TABLE)
        self._step_functions = boto3.client("stepfunctions")
        created = self._step_functions.create_state_machine(
            name="process-image", definition=DEFINITION_TEXT, roleArn="arn:aws:iam::000000000000:role/process-image"
        )
        self._state_machine = created["stateMachineArn"]

    def run(self, scenario: Scenario) -> Run:
        if repr(scenario) not in self._runs:
            self._runs[repr(scenario)] = self._execute_new(scenario)
        return self._runs[repr(scenario)]

    def _execute_new(self, scenario: Scenario) -> Run:
        event = self.event(scenario)
        return self.execute(scenario, event, event["detail"]["object"]["key"])

    def event(self, scenario: Scenario) -> dict[str, Any]:
        """The event of a new upload, which is in the bucket."""
        event: dict[str, Any] = sample("s3_object_created")
        image_id = str(uuid6.uuid7())
        key = f"uploads/ada/{image_id}/" + ("" if scenario.upload == "folder" else "red bicycle + child %2F.png")
        body = b"not a picture" if scenario.upload == "text" else _picture()
        put = self._s3.put_object(Bucket=UPLOADS_BUCKET, Key=key, Body=body)
        event["detail"]["bucket"]["name"] = UPLOADS_BUCKET
        event["detail"]["object"] |= {
            "key": key,
            "size": len(body),
            "etag": put["ETag"].strip('"'),
            "version-id": put["VersionId"],
        }
        if scenario.upload == "malformed":
            del event["detail"]["object"]["version-id"]
        if scenario.upload == "duplicate":
            found = event["detail"]["object"]
            upload = {name: found[name] for name in ("key", "size", "etag", "sequencer")}
            upload |= {"bucket": UPLOADS_BUCKET, "version": found["version-id"]}
            invoke("validate_image", {"upload": upload, "execution_arn": "arn:of:the:first"})
        return event

    def execute(self, scenario: Scenario, event: dict[str, Any], upload_key: str) -> Run:
        """Run the state machine to its end."""
        run = self._services.run = Run(scenario, upload_key)
        started = self._step_functions.start_execution(stateMachineArn=self._state_machine, input=json.dumps(event))
        deadline = time.monotonic() + 30
        while not run.execution or run.execution["status"] == "RUNNING":
            assert time.monotonic() < deadline, f"{scenario} did not end; it entered {run.entered}"
            time.sleep(0.02)
            run.execution = dict(self._step_functions.describe_execution(executionArn=started["executionArn"]))
        image_id = upload_key.split("/")[2] if upload_key else "none"
        run.record = self._table.get_item(Key={"image_id": image_id}).get("Item")
        return run


def _picture() -> bytes:
    return encoded(Image.linear_gradient("L").convert("RGB").resize((160, 120)))


@pytest.fixture(scope="module")
def workflow(services: Services, services_url: str, emulator: str) -> Iterator[Workflow]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setenv("AWS_ENDPOINT_URL", emulator)
        patch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", services_url)
        patch.setenv("AWS_ENDPOINT_URL_REKOGNITION", services_url)
        make_buckets()
        make_records()
        _forget_adapters()
        yield Workflow(services)
    _forget_adapters()


def _forget_adapters() -> None:
    """The handlers keep their adapters, which belong to one environment, for as long as the process lives."""
    for function in FUNCTIONS:
        importlib.import_module(f"functions.{function}.handler")._dependencies.cache_clear()
