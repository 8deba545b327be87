"""The running pipeline, as a person and as an engineer see it."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

import requests

from functions.core.identity import PUBLIC_OWNER
from functions.core.record_store import RecordStore
from scripts.deployment import LOCAL, find_deployment
from scripts.local_stack.recorder import requests_log
from scripts.local_stack.sign_in import access_token, keep_user
from scripts.local_stack.stack import LocalStack
from scripts.users import new_password
from tests.least_privilege import Roles, read_grants

TERMINAL = {"SUCCEEDED", "PARTIAL", "REJECTED", "BLOCKED", "FAILED"}


class Person(NamedTuple):
    """Somebody who calls the API, by a token where sign-in is on: the owner of what they upload."""

    owner: str
    token: str | None


class Pipeline:
    """What a person can do with the pipeline: upload, wait, read; and what an engineer can look at."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.outputs = stack.outputs
        self.deployment = find_deployment(LOCAL, stack.home / "stack.json")
        self.s3 = self.client("s3")
        self.step_functions = self.client("stepfunctions")
        self.records = RecordStore(self.outputs["table"], self.deployment.table())
        self.person = (
            self.sign_in(**self.outputs["demo_user"]) if self.outputs["sign_in"] else Person(PUBLIC_OWNER, None)
        )
        self.roles = [self._roles(since=0)]

    def deploy(self, mask_tier: str) -> None:
        """Give the running stack another mask tier, once what runs in this one has ended."""
        running = {"stateMachineArn": self.outputs["state_machine_arn"], "statusFilter": "RUNNING"}
        deadline = time.monotonic() + 60
        while self.step_functions.list_executions(**running)["executions"]:
            assert time.monotonic() < deadline, "An execution does not end."
            time.sleep(0.25)
        began = time.time()
        self.stack.mask_tier = mask_tier
        self.stack.deploy()
        self.outputs = self.stack.outputs
        self.roles.append(self._roles(began))

    def _roles(self, since: float) -> Roles:
        """The roles as Terraform has made them by now."""
        functions = self.client("lambda").list_functions(MaxItems=50)["Functions"]
        machine = self.step_functions.describe_state_machine(stateMachineArn=self.outputs["state_machine_arn"])
        (target,) = self.client("events").list_targets_by_rule(Rule=self.outputs["event_rule_name"])["Targets"]
        arns = {function["FunctionName"]: function["Role"] for function in functions}
        arns[requests_log.SIGNED_URL] = next(role for name, role in arns.items() if name.endswith("-api"))
        arns[requests_log.WORKFLOW] = machine["roleArn"]
        arns[requests_log.RULE] = target["RoleArn"]
        endpoint = machine["roleArn"].replace("process-image", "endpoint")
        arns[requests_log.ENDPOINT] = arns.get(self.outputs["mask_provider"], endpoint)  # which may be a function
        of = {by: arn.rpartition("/")[2] for by, arn in arns.items()}
        return Roles(since, frozenset(read_grants(self.client("iam"))), of)

    def client(self, service: str) -> Any:
        """A client of one of the services."""
        return self.deployment.client(service)

    def sign_in(self, email: str, password: str) -> Person:
        token = access_token(self.outputs["sign_in"], email, password)
        return Person(claims_of(token)["sub"], token)

    def sign_up(self, email: str) -> Person:
        """Somebody new, or of the same address anew."""
        password = new_password()
        keep_user(self.client("cognito-idp"), self.outputs["sign_in"], email, password)
        return self.sign_in(email, password)

    def api(self, method: str, path: str, person: Person | None = None, **arguments: Any) -> requests.Response:
        """What the API answers the pipeline's own person, or another one."""
        token = (person or self.person).token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(method, self.outputs["api_url"] + path, headers=headers, timeout=30, **arguments)

    def ask_to_upload(self, body: bytes, file_name: str, file_type: str, **fields: Any) -> dict[str, Any]:
        request = {"fileName": file_name, "fileType": file_type, "size": len(body), **fields}
        answer = self.api("POST", "/upload-url", json=request)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def upload(self, body: bytes, file_name: str, file_type: str = "image/jpeg", **fields: Any) -> str:
        """Upload by a presigned URL; the image's id."""
        ticket = self.ask_to_upload(body, file_name, file_type, **fields)
        answer = requests.put(ticket["uploadUrl"], data=body, headers=ticket["headers"], timeout=30)
        assert answer.status_code == 200, answer.text
        return ticket["imageId"]

    def put(self, key: str, body: bytes) -> dict[str, Any]:
        """Put an object straight into the uploads bucket; the bucket, key and version of what was put."""
        answer = self.s3.put_object(Bucket=self.outputs["uploads_bucket"], Key=key, Body=body)
        return {"bucket": self.outputs["uploads_bucket"], "key": key, "version": answer["VersionId"]}

    def wait(self, image_id: str, timeout_s: float = 90, after_execution: str = "") -> dict[str, Any]:
        """The picture's result, once it is terminal by another execution than ``after_execution``."""

        def finished(result: dict[str, Any]) -> bool:
            return result["status"] in TERMINAL and result["execution_arn"] != after_execution

        return self._poll(f"/results/{image_id}", finished, timeout_s)

    def wait_until_claimed(self, image_id: str, timeout_s: float = 30) -> str:
        """The ARN of the execution that processes the picture, once there is one."""
        result = self._poll(f"/results/{image_id}", lambda result: result["status"] == "PROCESSING", timeout_s)
        return result["execution_arn"]

    def wait_for_file(self, file_name: str, timeout_s: float = 90) -> dict[str, Any]:
        """The result of a file put straight into ``uploads/``, found by its key behind that, once it is terminal."""
        path = f"/images/uploads/{quote(file_name, safe='')}/status"
        status = self._poll(path, lambda answer: answer["status"] in TERMINAL, timeout_s)
        return self.wait(status["image_id"])

    def _poll(self, path: str, finished: Callable[[dict[str, Any]], bool], timeout_s: float) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        answer = None
        while time.monotonic() < deadline:
            answer = self.api("GET", path)
            if answer.status_code == 200 and finished(answer.json()):
                return answer.json()
            time.sleep(0.25)
        raise AssertionError(f"{path} was not terminal after {timeout_s} s; last: {answer and answer.text}")

    def notices(self, image_id: str, at_least: int = 1, timeout_s: float = 15) -> list[dict[str, Any]]:
        """The SNS messages about a picture, once there are ``at_least`` so many."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = [notice for notice in self._all_notices() if _attribute(notice, "image_id") == image_id]
            if len(found) >= at_least or time.monotonic() > deadline:
                return found
            time.sleep(0.25)

    def _all_notices(self) -> list[dict[str, Any]]:
        file = self.stack.home / "notifications.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def wait_for_execution(self, matches: Callable[[dict[str, Any]], bool], timeout_s: float = 15) -> bool:
        """Whether an execution ended well, with an output that matches, in time."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            executions = self.step_functions.list_executions(
                stateMachineArn=self.outputs["state_machine_arn"], statusFilter="SUCCEEDED"
            )["executions"]
            for execution in executions:
                described = self.step_functions.describe_execution(executionArn=execution["executionArn"])
                if matches(json.loads(described["output"])):
                    return True
            time.sleep(0.25)
        return False

    def states(self, execution_arn: str) -> list[str]:
        """The names of the states an execution entered, in order."""
        history = self.step_functions.get_execution_history(executionArn=execution_arn, maxResults=1000)
        entered = (event.get("stateEnteredEventDetails") for event in history["events"])
        return [details["name"] for details in entered if details]

    def objects(self, bucket: str, image_id: str) -> set[str]:
        listing = self.s3.list_objects_v2(Bucket=self.outputs[bucket], Prefix=f"{image_id}/")
        return {entry["Key"].removeprefix(f"{image_id}/") for entry in listing.get("Contents", [])}


def claims_of(token: str) -> dict[str, Any]:
    """What a token says; nothing is checked."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def _attribute(notice: dict[str, Any], name: str) -> str | None:
    return notice.get("MessageAttributes", {}).get(name, {}).get("Value")
