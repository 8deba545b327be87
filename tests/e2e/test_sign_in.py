"""Who has not signed in sees nothing, and who has sees their own pictures: on every route of the API's document."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from functions.core.identity import PUBLIC_OWNER, identify
from functions.core.models import Upload
from scripts.local_stack.sign_in import fill_in
from scripts.sign_in import CALLBACK
from scripts.users import NotInvited, invite, pool_of
from tests.pipeline import TERMINAL, Person, Pipeline, claims_of

ABSENT = "01890000-0000-7000-8000-000000000000"
BODIES = {
    "CompositeRequest": {"background": "#1e90ff"},
    "UploadUrlRequest": {"fileName": "boat.jpg", "fileType": "image/jpeg"},
}
READ, WRITE = "matteflow/pictures.read", "matteflow/pictures.write"
HOUR_S = 3600

Sign = Callable[..., Person]


class Route(NamedTuple):
    """One operation of the document: its path with names in braces, and a body that it takes."""

    method: str
    path: str
    body: dict[str, Any] | None

    @property
    def scope(self) -> str:
        return READ if self.method == "GET" else WRITE

    def ask(self, pipeline: Pipeline, person: Person, picture: dict[str, Any], **query: str) -> requests.Response:
        """What the API answers when a route that names a picture names this one."""
        filename = quote(picture["upload_key"].removeprefix("uploads/"), safe="")
        path = self.path.format(image_id=picture["image_id"], filename=filename)
        return pipeline.api(self.method, path, person, json=self.body, params=query)


@pytest.fixture(scope="module")
def routes(pipeline) -> list[Route]:
    """Every route of the document that the API serves."""
    document = pipeline.api("GET", "/openapi.json").json()

    def body(operation: dict[str, Any]) -> dict[str, Any] | None:
        if "requestBody" not in operation:
            return None
        return BODIES[operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]]

    return [
        Route(method.upper(), path, body(operation))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


@pytest.fixture(scope="module")
def mine(pipeline, astronaut) -> dict[str, Any]:
    return pipeline.wait(pipeline.upload(astronaut, "nobody elses business.jpg"))


@pytest.fixture
def sign(pipeline) -> Sign:
    """Make a token that the user pool itself has signed: the person's own, with some of it changed."""
    token = pipeline.person.token
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    pool = pool_of(pipeline.outputs["sign_in"])
    pem = pipeline.stack.home / "ministack" / "state" / "cognito-pool-keys" / f"{pool}-access.pem"
    key = serialization.load_pem_private_key(pem.read_bytes(), None)

    def encode(part: bytes) -> str:
        return base64.urlsafe_b64encode(part).rstrip(b"=").decode()

    def sign(**changes: Any) -> Person:
        claims = {name: value for name, value in (claims_of(token) | changes).items() if value is not None}
        signed = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
        signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return Person(pipeline.person.owner, f"{signed}.{encode(signature)}")

    return sign


def unsigned(token: str) -> str:
    header = base64.urlsafe_b64encode(b'{"alg": "none"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def altered(token: str, **changes: str) -> str:
    header, _, signature = token.split(".")
    claims = base64.urlsafe_b64encode(json.dumps(claims_of(token) | changes).encode()).rstrip(b"=").decode()
    return f"{header}.{claims}.{signature}"


def test_no_route_answers_without_a_token_that_is_valid(pipeline, somebody_else, routes, mine, sign):
    now = int(time.time())
    token = pipeline.person.token
    refused = {
        "none": None,
        "garbage": "garbage",
        "no signature": unsigned(token),
        "another person's name in it": altered(token, sub=somebody_else.owner),
        "expired": sign(iat=now - 2 * HOUR_S, exp=now - HOUR_S).token,
        "not valid yet": sign(nbf=now + HOUR_S).token,
        "of another issuer": sign(iss="https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Another").token,
        "for another app client": sign(client_id="another").token,
    }
    asked = [(route, name) for route in routes for name in refused]

    answers = {
        (route.method, route.path, name): route.ask(pipeline, Person("", refused[name]), mine).status_code
        for route, name in asked
    }

    assert len(routes) >= 11
    assert answers == dict.fromkeys(answers, 401)
    # And a token that is made in the same way is taken, so that each was refused for what is wrong with it.
    assert pipeline.api("GET", "/intake", sign()).status_code == 200


def test_a_token_opens_the_routes_of_its_scopes_alone(pipeline, routes, mine, sign):
    scopes = {"none": None, "others": "openid email", READ: READ, WRITE: WRITE}
    tokens = {name: sign(scope=scope) for name, scope in scopes.items()}

    refused = {
        (route.method, route.path, name): route.ask(pipeline, token, mine).status_code
        for route in routes
        for name, token in tokens.items()
        if name != route.scope
    }
    read = [route.ask(pipeline, tokens[READ], mine).status_code for route in routes if route.scope == READ]

    assert refused == dict.fromkeys(refused, 403)
    assert set(read) == {200}


def test_what_no_route_knows_asks_for_a_token_too(pipeline):
    for method in ("GET", "POST", "DELETE"):
        assert pipeline.api(method, "/no/such/path", Person("", None)).status_code == 401
        assert pipeline.api(method, "/no/such/path").status_code == 404


def test_a_preflight_needs_no_token(pipeline):
    origin = pipeline.outputs["dashboard_url"]

    answer = requests.options(
        f"{pipeline.outputs['api_url']}/results",
        headers={"Origin": origin, "Access-Control-Request-Method": "GET"},
        timeout=30,
    )

    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"].lower()


@pytest.mark.parametrize("names_the_owner", [False, True], ids=["as themselves", "user_id= of the owner"])
def test_nobody_sees_or_changes_anothers_picture(pipeline, somebody_else, routes, mine, names_the_owner):
    query = {"user_id": mine["owner"]} if names_the_owner else {}
    absent = {"image_id": ABSENT, "upload_key": mine["upload_key"].replace(mine["image_id"], ABSENT)}

    def seen(route: Route, picture: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        answer = route.ask(pipeline, somebody_else, picture, **query)
        body = json.loads(answer.text.replace(picture["image_id"], ABSENT))
        del body["instance"]
        return answer.status_code, body

    # What names the picture looks as if it were not there.
    for route in routes:
        if "{" in route.path:
            found = seen(route, mine)
            assert found == seen(route, absent), route
            assert found[0] == 404, route
        else:
            answer = route.ask(pipeline, somebody_else, mine, **query)
            assert answer.status_code == 200, route
            for secret in (mine["image_id"], mine["owner"], mine["file_name"]):
                assert secret not in answer.text, route
    # And it is as it was.
    now = pipeline.api("GET", f"/results/{mine['image_id']}").json()
    assert {**now, "outputs": None, "links": None} == {**mine, "outputs": None, "links": None}
    assert [output["key"] for output in now["outputs"]] == [output["key"] for output in mine["outputs"]]
    assert pipeline.objects("results_bucket", mine["image_id"])


def test_numbers_count_ones_own_pictures(pipeline, mine):
    newcomer = pipeline.sign_up("newcomer@matteflow.test")

    assert pipeline.api("GET", "/metrics", newcomer).json()["pictures"] == 0
    assert pipeline.api("GET", "/metrics", newcomer, params={"user_id": mine["owner"]}).json()["pictures"] == 0
    assert pipeline.api("GET", "/metrics").json()["pictures"] > 0


def test_anothers_picture_is_no_background(pipeline, somebody_else, mine):
    asked = {"fileName": "boat.jpg", "fileType": "image/jpeg"}
    ticket = pipeline.api("POST", "/upload-url", somebody_else, params={"user_id": mine["owner"]}, json=asked).json()
    answers = [
        pipeline.api("POST", "/upload-url", somebody_else, json={**asked, "options": {"background": image_id}})
        for image_id in (mine["image_id"], ABSENT)
    ]

    assert ticket["key"].startswith(f"uploads/{somebody_else.owner}/")
    assert [answer.status_code for answer in answers] == [400, 400]
    foreign, absent = (answer.json()["detail"] for answer in answers)
    assert foreign.replace(mine["image_id"], ABSENT) == absent


def test_anothers_picture_is_no_background_of_a_composite(pipeline, somebody_else, mine, astronaut):
    ticket = pipeline.api(
        "POST", "/upload-url", somebody_else, json={"fileName": "theirs.jpg", "fileType": "image/jpeg"}
    ).json()
    requests.post(ticket["uploadUrl"], data=ticket["fields"], files={"file": astronaut}, timeout=30).raise_for_status()
    wait_until_ended(pipeline, ticket["imageId"])

    path = f"/results/{ticket['imageId']}/composites"
    answers = [
        pipeline.api("POST", path, somebody_else, json={"background": image_id})
        for image_id in (mine["image_id"], ABSENT)
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    foreign, absent = (answer.json()["detail"] for answer in answers)
    assert foreign.replace(mine["image_id"], ABSENT) == absent


def test_what_is_nobodys_is_processed_and_seen_by_nobody(pipeline, somebody_else, astronaut, routes):
    put = pipeline.put("uploads/nobodys.jpg", astronaut)
    image_id = identify(Upload(**put, etag="", size=len(astronaut), sequencer="00")).image_id
    record = wait_until_ended(pipeline, image_id)

    assert (record.owner, record.status) == (PUBLIC_OWNER, "SUCCEEDED")
    picture = {"image_id": image_id, "upload_key": put["key"]}
    for person in (pipeline.person, somebody_else):
        for route in routes:
            if "{" in route.path:
                assert route.ask(pipeline, person, picture, user_id=PUBLIC_OWNER).status_code == 404, route
    assert image_id not in pipeline.api("GET", "/results", params={"limit": 100, "user_id": PUBLIC_OWNER}).text


def test_the_quota_of_ones_groups_is_kept(pipeline):
    # Given somebody who is invited into both groups, of which one allows two pictures a day and the other one
    told: list[str] = []
    with pytest.raises(NotInvited, match=r"no group 'nobodys'; there are guests, trial"):
        invite(pipeline.deployment, "trial@matteflow.test", "nobodys", told.append)
    for group in ("guests", "trial"):
        invite(pipeline.deployment, "trial@matteflow.test", group, told.append)
    person = pipeline.sign_up("trial@matteflow.test")
    asked = {"fileName": "boat.jpg", "fileType": "image/jpeg", "size": 48213}

    # When they ask for one picture more than that
    answers = [pipeline.api("POST", "/upload-url", person, json=asked) for _ in range(3)]
    quota = pipeline.api("GET", "/intake", person).json()["quota"]

    # Then it is refused, and anybody without a quota is not
    assert claims_of(person.token)["cognito:groups"] == ["guests", "trial"]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].headers["Content-Type"] == "application/problem+json"
    assert 0 < int(answers[2].headers["Retry-After"]) <= 24 * HOUR_S
    assert (quota["limit"], quota["used"]) == (2, 2)
    assert pipeline.api("GET", "/intake").json()["quota"] is None
    assert "temporary password" in told[0]
    assert "has an account already" in told[2]


def test_requests_at_once_never_pass_a_quota(pipeline):
    with ThreadPoolExecutor(8) as pool:
        counted = list(pool.map(lambda _: pipeline.records.count_upload("many", date(2026, 1, 1), 5), range(20)))

    assert sorted(count for count in counted if count is not None) == [1, 2, 3, 4, 5]


@pytest.fixture
def command(pipeline) -> Iterator["subprocess.Popen[str]"]:
    """The command that gives a token, waiting for its person to sign in."""
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.sign_in", "--stack", pipeline.stack.home / "stack.json"],
        env={**os.environ, "BROWSER": "true"},  # the program that does nothing
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def test_the_command_gives_a_token_that_the_api_takes(pipeline, command):
    assert command.stderr is not None
    command.stderr.readline()
    url = command.stderr.readline().strip()

    answer = fill_in(url, **pipeline.outputs["demo_user"])
    other = httpx.get(CALLBACK, params={**answer, "state": "of another attempt"}, trust_env=False)
    page = httpx.get(CALLBACK, params=answer, trust_env=False)
    said, complaints = command.communicate(timeout=30)

    assert (other.status_code, page.status_code) == (400, 200)
    assert command.returncode == 0, complaints
    assert claims_of(said.strip())["sub"] == pipeline.person.owner
    assert pipeline.api("GET", "/intake", Person("", said.strip())).status_code == 200
    assert said.strip() not in complaints


def wait_until_ended(pipeline: Pipeline, image_id: str, timeout_s: float = 90) -> Any:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        record = pipeline.records.get(image_id)
        if record is not None and record.status in TERMINAL:
            return record
        time.sleep(0.25)
    raise AssertionError(f"{image_id} has not ended within {timeout_s} s")
