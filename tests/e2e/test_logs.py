"""What the functions log of a picture that goes the whole way: which one it was, in every step, and nothing secret."""

import json
import re
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import requests

STEPS = ("validate_image", "infer_mask", "analyze_image", "apply_mask", "save_result")
SECRET = re.compile(r"X-Amz-(Signature|Credential|Security-Token)|Signature=|Bearer |eyJ[\w-]{8}", re.IGNORECASE)


def logged(pipeline) -> dict[str, list[str]]:
    """The lines of every function's log, by the function's key."""
    logs = pipeline.client("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
    return {
        group["logGroupName"].partition("matteflow-local-")[2]: [
            event["message"]
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
            for event in page["events"]
        ]
        for group in groups
    }


def naming(image_id: str, lines: list[str]) -> Iterator[str]:
    """The messages of the lines about a picture."""
    for line in lines:
        if line.startswith("{") and (fields := json.loads(line)).get("image_id") == image_id:
            yield fields["message"]


def signatures(text: str) -> set[str]:
    """Those of every signed URL in an answer of the API."""
    urls = re.findall(r'https?://[^"\s]+X-Amz-Signature=[^"\s]+', text)
    return {parse_qs(urlsplit(url).query)["X-Amz-Signature"][0] for url in urls}


def test_every_step_logs_the_picture_and_nothing_logs_a_signature_or_a_file_name(pipeline, astronaut):
    # Given a picture that went the whole way by signed URLs
    ticket = pipeline.ask_to_upload(astronaut, "family-album.jpg", "image/jpeg")
    image_id = ticket["imageId"]
    requests.put(ticket["uploadUrl"], data=astronaut, headers=ticket["headers"], timeout=30).raise_for_status()
    pipeline.wait(image_id)
    answers = json.dumps(ticket) + pipeline.api("GET", f"/results/{image_id}").text
    # When the logs are read, once the last line is there
    deadline = time.monotonic() + 15
    while "step finished" not in naming(image_id, (lines := logged(pipeline))["save_result"]):
        assert time.monotonic() < deadline, "the last step's line did not come"
        time.sleep(0.25)
    # Then every step tells of the picture, and so does the API
    assert [step for step in STEPS if "step finished" not in naming(image_id, lines[step])] == []
    assert list(naming(image_id, lines["api"])).count("request answered") >= 2
    # And nothing that signs or says more than that is there
    everything = "\n".join(line for group in lines.values() for line in group)
    assert len(signatures(answers)) > 5
    assert [signature for signature in signatures(answers) if signature in everything] == []
    assert SECRET.findall(everything) == []
    assert "family-album" not in everything
