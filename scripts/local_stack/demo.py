"""One picture's way through the running stack, as its owner sees it: uploaded, watched, and its results saved."""

import json
import mimetypes
import time
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import skimage
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from scripts.local_stack.service import displayed
from scripts.local_stack.services import aws_client
from scripts.local_stack.sign_in import authorization

# Eileen Collins, a NASA photograph in the public domain.
DEFAULT_PICTURE = Path(skimage.__file__).parent / "data" / "astronaut.png"
GOOD_ENDS = ("SUCCEEDED", "PARTIAL")
UNFINISHED = ("AWAITING_UPLOAD", "PROCESSING")
PROCESSING_TIMEOUT_S = 180.0
NOTICE_TIMEOUT_S = 10.0
POLL_S = 0.3
REQUEST_TIMEOUT_S = 60.0

Json = dict[str, Any]


class DemoError(Exception):
    """The picture did not come through; the message says why."""


def show_picture(outputs: Mapping[str, Any], home: Path, picture: Path, console: Console) -> None:
    """Process ``picture`` on the stack that ``outputs`` (``stack.json``) describe, and print what came of it.

    Every output is saved in ``demo/`` under ``home``.

    Raises:
        DemoError: the picture is refused, or does not end as SUCCEEDED or PARTIAL.
    """
    with httpx.Client(
        base_url=outputs["api_url"], headers=authorization(outputs), timeout=REQUEST_TIMEOUT_S, trust_env=False
    ) as api:
        image_id = upload(api, picture, console)
        result = watch(api, image_id, console)
    if result.get("execution_arn"):
        console.print(states_table(result["execution_arn"], outputs["aws_endpoint_url"]))
    if result["timings"]:
        steps = ", ".join(f"{step} {elapsed_ms:.0f} ms" for step, elapsed_ms in result["timings"].items())
        console.print(f"Inside the functions: {steps}")
    if result["status"] not in GOOD_ENDS:
        raise DemoError(f"The picture ended as {result['status']}: {result['status_reason']}")
    console.print(findings_table(result))
    folder = home / "demo"
    console.print(outputs_table(result, save_outputs(result, folder)))
    console.print(f"Saved in {displayed(folder)}")
    notice = wait_for_notice(home / "notifications.jsonl", image_id)
    console.print(f"Notice: {notice['Subject']}\n{notice['Message']}", markup=False)


def upload(api: httpx.Client, picture: Path, console: Console) -> str:
    """Ask for an upload URL and put the file there; return the image's id.

    Raises:
        DemoError: the API or the bucket refuses it.
    """
    body = picture.read_bytes()
    media_type = mimetypes.guess_type(picture.name)[0] or "application/octet-stream"
    ticket = checked(
        api.post("/upload-url", json={"fileName": picture.name, "fileType": media_type, "size": len(body)}),
        "The API refuses the upload",
    ).json()
    checked(
        httpx.request(
            ticket["method"],
            ticket["uploadUrl"],
            content=body,
            headers=ticket["headers"],
            timeout=REQUEST_TIMEOUT_S,
            trust_env=False,
        ),
        "The bucket refuses the upload",
    )
    console.print(f"Uploaded {picture.name} ({len(body):,} bytes) as {ticket['key']}", markup=False)
    return str(ticket["imageId"])


def checked(answer: httpx.Response, complaint: str) -> httpx.Response:
    """The answer, if it is a success.

    Raises:
        DemoError: it is not.
    """
    if answer.is_success:
        return answer
    raise DemoError(f"{complaint}: HTTP {answer.status_code}: {answer.text[:500]}")


def watch(api: httpx.Client, image_id: str, console: Console) -> Json:
    """Poll the result until it is final, showing its status.

    Raises:
        DemoError: it is not final after ``PROCESSING_TIMEOUT_S`` seconds.
    """
    started = time.monotonic()
    status = ""
    with console.status("Waiting for the result") as shown:
        while (elapsed_s := time.monotonic() - started) < PROCESSING_TIMEOUT_S:
            result: Json = checked(api.get(f"/results/{image_id}"), "The API has no result").json()
            if result["status"] != status:
                status = result["status"]
                console.print(f"{elapsed_s:6.1f} s  {status}")
            if status not in UNFINISHED:
                return result
            shown.update(f"{status}, {elapsed_s:.0f} s")
            time.sleep(POLL_S)
    raise DemoError(f"The picture is still {status} after {PROCESSING_TIMEOUT_S:.0f} s.")


def states_table(execution_arn: str, endpoint_url: str) -> Table:
    """The states that an execution went through, with their times in milliseconds."""
    client = aws_client("stepfunctions", endpoint_url)
    events = [
        event
        for page in client.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
        for event in page["events"]
    ]
    table = Table("state", "at (ms)", "took (ms)", title="Workflow")
    for column in table.columns[1:]:
        column.justify = "right"
    started = events[0]["timestamp"]
    left = {
        event["stateExitedEventDetails"]["name"]: event["timestamp"]
        for event in events
        if "stateExitedEventDetails" in event
    }
    for event in events:
        if "stateEnteredEventDetails" not in event:
            continue
        name, entered = event["stateEnteredEventDetails"]["name"], event["timestamp"]
        took = f"{(left[name] - entered).total_seconds() * 1000:.0f}" if name in left else "failed"
        table.add_row(name, f"{(entered - started).total_seconds() * 1000:.0f}", took)
    return table


def findings_table(result: Json) -> Table:
    """What was found in the picture. Here Rekognition's part is played by the stand-in, and the table says so."""
    table = Table("", "found", title="Contents, computed by the local stand-in for Rekognition")
    properties = result.get("properties") or {}
    colors = [f"{color['name']} {color['percent']:.0f} %" for color in properties.get("dominant_colors", ())]
    rows = {
        "labels": [f"{label['name']} {label['confidence']:.0f} %" for label in result["labels"]],
        "faces": [f"a face {face['confidence']:.0f} %" for face in result["faces"]],
        "text": [f"{line['text']} {line['confidence']:.0f} %" for line in result["text"]],
        "colours": colors,
        "qualities": [
            f"{quality} {properties[quality]:.0f}"
            for quality in ("sharpness", "brightness", "contrast")
            if quality in properties
        ],
    }
    for part, found in rows.items():
        table.add_row(part, escape(", ".join(found)) or "nothing")
    mask = result["mask"]
    table.add_row("mask", f"by {mask['model']}, covers {mask['coverage']:.0%}, confidence {mask['confidence']:.0f} %")
    return table


def downloads(result: Json) -> Iterator[tuple[str, str]]:
    """The file name and signed URL of everything that was made."""
    for output in result["outputs"]:
        yield PurePosixPath(output["key"]).name, output["url"]
    if mask_url := result["links"].get("mask"):
        yield "mask.png", mask_url


def save_outputs(result: Json, folder: Path) -> dict[str, Path]:
    """Download everything that was made into ``folder``; return the files by name.

    Raises:
        DemoError: a signed URL does not work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    saved = {}
    for name, url in downloads(result):
        answer = checked(httpx.get(url, timeout=REQUEST_TIMEOUT_S, trust_env=False), f"{name} cannot be downloaded")
        saved[name] = folder / name
        saved[name].write_bytes(answer.content)
    return saved


def outputs_table(result: Json, saved: Mapping[str, Path]) -> Table:
    """What was made, with sizes."""
    table = Table("output", "size (px)", "bytes", title="Outputs")
    sizes = {
        PurePosixPath(output["key"]).name: f"{output['width']} x {output['height']}" for output in result["outputs"]
    }
    sizes["mask.png"] = f"{result['mask']['width']} x {result['mask']['height']}"
    for name, file in saved.items():
        table.add_row(name, sizes[name], f"{file.stat().st_size:,}")
    return table


def wait_for_notice(messages: Path, image_id: str) -> Json:
    """The SNS message about a picture.

    Raises:
        DemoError: none came within ``NOTICE_TIMEOUT_S`` seconds.
    """
    deadline = time.monotonic() + NOTICE_TIMEOUT_S
    while time.monotonic() < deadline:
        if messages.exists():
            for line in messages.read_text().splitlines():
                message: Json = json.loads(line)
                if message.get("MessageAttributes", {}).get("image_id", {}).get("Value") == image_id:
                    return message
        time.sleep(POLL_S)
    raise DemoError(f"No notice about the picture came within {NOTICE_TIMEOUT_S:.0f} s.")
