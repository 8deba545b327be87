"""A finished picture on another background: made once, kept, bounded."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.api.services import compositor
from functions.core.models import ApplyMaskRequest, ImageFacts, MaskFacts, Output, Status
from tests.loopback import Posted, Reply, answering
from tests.unit.buckets import MASKS_BUCKET, RESULTS_BUCKET
from tests.unit.record_table import EXECUTION

ABSENT = "01890000-0000-7000-8000-000000000000"
FACTS = ImageFacts(format="JPEG", width=640, height=480, mode="RGB", size_bytes=9, sha256="0" * 64)
MASK = MaskFacts(
    bucket=MASKS_BUCKET,
    key="mask.png",
    width=640,
    height=480,
    model="classical",
    provider="CPUExecutionProvider",
    inference_ms=12.5,
    coverage=0.25,
    confidence=97.5,
)
BLUR = {"background": "blur"}


class ApplyMask:
    """The function ApplyMask: it answers with the output that was asked for, or with the error that a test has set."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.asked: list[ApplyMaskRequest] = []
        self.error: dict[str, str] | None = None
        self.meanwhile: Callable[[Output], object] = lambda _: None

    def __call__(self, posted: Posted) -> Reply:
        request = ApplyMaskRequest.model_validate_json(posted.body)
        self.asked.append(request)
        if self.error:
            return Reply(json.dumps(self.error).encode(), {"X-Amz-Function-Error": "Unhandled"})
        output = Output(
            kind="composite",
            key=f"{request.image_id}/composite_{request.variant}.jpg",
            format="JPEG",
            width=640,
            height=480,
            bytes=9,
            background=request.options.background,
        )
        self.meanwhile(output)
        return Reply(json.dumps({"outputs": [output.model_dump(mode="json")], "elapsed_ms": 1.5}).encode(), {})


@pytest.fixture(scope="module")
def deployed() -> Iterator[tuple[ApplyMask, str]]:
    """One server, and one client of it, for all tests here: making them would be most of the tests' time."""
    function = ApplyMask()
    compositor.cache_clear()
    with answering(function) as url:
        yield function, url
    compositor.cache_clear()


@pytest.fixture
def apply_mask(deployed: tuple[ApplyMask, str], monkeypatch: pytest.MonkeyPatch) -> ApplyMask:
    function, url = deployed
    function.reset()
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
    return function


@pytest.fixture
def make_finished(make_record) -> Callable[..., Any]:
    return lambda *owner, **fields: make_record(
        *owner, **{"image": FACTS, "mask": MASK, "execution_arn": EXECUTION, **fields}
    )


def ask(api, image_id: str, body: Any = BLUR, **query: str):
    return api.post(body, f"/results/{image_id}/composites", **query)


def composites(count: int, image_id: str = ABSENT) -> list[Output]:
    return [
        Output(kind="composite", key=f"{image_id}/{number}.jpg", format="JPEG", width=9, height=9, bytes=9)
        for number in range(count)
    ]


def test_it_is_made_signed_and_kept(api, records, make_finished, apply_mask):
    picture = make_finished()
    body = {"background": "#1E90FF", "shadow": {"opacity": 30}, "crop": {"margin": 0}}

    answer = ask(api, picture.image_id, body)

    made = answer.body
    assert answer.status == 201, answer.text
    assert (made["kind"], made["background"]) == ("composite", "#1e90ff")
    assert RESULTS_BUCKET in made["url"]
    assert made["key"] in made["url"]
    (asked,) = apply_mask.asked
    assert (asked.upload, asked.image, asked.mask) == (picture.upload, FACTS, MASK)
    assert asked.execution_arn is None
    assert asked.options.model_dump(mode="json", include={"outputs", "shadow", "crop"}) == {
        "outputs": ["composite"],
        "shadow": {"opacity": 30, "blur": 4, "offset_x": 0, "offset_y": 4},
        "crop": {"margin": 0},
    }
    assert [output.key for output in records.get(picture.image_id).outputs] == [
        *(output.key for output in picture.outputs),
        made["key"],
    ]


def test_the_same_request_gives_the_same_composite_without_making_it_again(api, make_finished, apply_mask):
    image_id = make_finished().image_id

    first = ask(api, image_id, {"background": "#FFFFFF", "shadow": {}})
    again = ask(api, image_id, {"background": "#ffffff", "shadow": {"opacity": 50}})
    other = ask(api, image_id, {"background": "#ffffff"})

    assert [answer.status for answer in (first, again, other)] == [201, 201, 201]
    assert first.body["key"] == again.body["key"] != other.body["key"]
    assert len(apply_mask.asked) == 2


def test_two_at_once_are_listed_once(api, records, make_finished, apply_mask):
    picture = make_finished()
    apply_mask.meanwhile = lambda made: records.add_output(picture, made)

    answer = ask(api, picture.image_id)

    assert answer.status == 201
    assert len(apply_mask.asked) == 1
    assert [output.key for output in records.get(picture.image_id).outputs].count(answer.body["key"]) == 1


def test_another_one_that_came_first_is_kept_too(api, records, make_finished, apply_mask):
    picture = make_finished()
    (other,) = composites(1, picture.image_id)
    apply_mask.meanwhile = lambda _: records.add_output(picture, other)

    answer = ask(api, picture.image_id)

    assert answer.status == 201
    listed = [output.key for output in records.get(picture.image_id).outputs]
    assert listed == [*(output.key for output in picture.outputs), other.key, answer.body["key"]]


def test_a_picture_has_at_most_twenty(api, make_finished, apply_mask):
    image_id = make_finished(outputs=composites(19)).image_id

    assert ask(api, image_id).status == 201
    refused = ask(api, image_id, {"background": "#000000"})

    assert refused.status == 409
    assert "20 composites" in refused.body["detail"]
    assert ask(api, image_id).status == 201, "the one that is there already"
    assert len(apply_mask.asked) == 1


def test_what_was_deleted_meanwhile_gets_no_composite(api, records, make_finished, apply_mask, s3):
    image_id = make_finished().image_id

    def delete(made: Output) -> None:
        assert api.delete(f"/results/{image_id}").status == 204
        s3.put_object(Bucket=RESULTS_BUCKET, Key=made.key)

    apply_mask.meanwhile = delete

    answer = ask(api, image_id)

    assert answer.status == 409
    assert records.get(image_id) is None
    assert "Contents" not in s3.list_objects_v2(Bucket=RESULTS_BUCKET)


@pytest.mark.parametrize("status", [status for status in Status if status not in (Status.SUCCEEDED, Status.PARTIAL)])
def test_only_a_finished_picture_has_composites(api, make_finished, apply_mask, status):
    answer = ask(api, make_finished(status=status).image_id)

    assert answer.status == 409
    assert status in answer.body["detail"]
    assert not apply_mask.asked


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "background"),
        ({"background": "red"}, "background"),
        ({"background": ABSENT}, "background"),
        ({"background": "blur", "shadow": {"opacity": 101}}, "shadow.opacity"),
        ({"background": "blur", "crop": {"margin": -1}}, "crop.margin"),
        ({"background": "blur", "formats": ["png"]}, "formats"),
        ([], "body"),
        ("{", "body"),
    ],
)
def test_a_bad_request_is_refused_by_field(api, make_finished, apply_mask, body, field):
    text = body if isinstance(body, str) else json.dumps(body)

    answer = ask(api, make_finished().image_id, text)

    assert answer.status == 400
    assert [error["field"] for error in answer.body["errors"]] == [field]
    assert not apply_mask.asked


def test_a_background_is_a_finished_picture_of_the_same_owner(api, make_finished, apply_mask):
    mine, other = (make_finished("alice").image_id for _ in range(2))
    foreign = make_finished("bob").image_id

    assert ask(api, mine, {"background": other}, user_id="alice").status == 201
    refused = ask(api, mine, {"background": foreign}, user_id="alice")
    absent = ask(api, mine, {"background": ABSENT}, user_id="alice")
    assert refused.status == absent.status == 400
    assert refused.text.replace(foreign, ABSENT).split('"instance"')[0] == absent.text.split('"instance"')[0]
    assert len(apply_mask.asked) == 1


@pytest.mark.parametrize("image_id", [ABSENT, "7", "..", "x" * 4000, "a/b"])
def test_an_absent_a_malformed_and_anothers_id_are_not_found(api, make_finished, apply_mask, image_id):
    of_alice = make_finished("alice").image_id

    assert ask(api, image_id).status == 404
    assert ask(api, of_alice).status == 404
    assert not apply_mask.asked


@pytest.mark.parametrize(
    ("error", "message", "status", "detail"),
    [
        ("ImageRejected", "The uploaded object is gone.", 409, "The uploaded object is gone."),
        ("MaskRejected", "The mask is gone.", 502, "The mask is gone."),
        ("Runtime.ExitError", "signal: killed", 502, "The step that makes composites ended with Runtime.ExitError."),
        ("StoreUnavailable", "S3 is slow.", 503, "A service did not answer in time. Try again."),
    ],
)
def test_an_error_of_the_step_is_a_problem(api, records, make_finished, apply_mask, error, message, status, detail):
    picture = make_finished()
    apply_mask.error = {"errorType": error, "errorMessage": message}

    answer = ask(api, picture.image_id)

    assert (answer.status, answer.body["detail"]) == (status, detail)
    assert records.get(picture.image_id).outputs == picture.outputs
