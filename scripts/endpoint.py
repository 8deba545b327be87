"""Try, measure and feed what makes the masks of a deployment: ``python -m scripts.endpoint smoke|benchmark|publish``.

``smoke`` has one mask made and looks at it; ``benchmark`` has many made and tells how long they take; ``publish`` puts
a model's weights where the container finds them. Endpoints are invoked with the SageMaker SDK, which has an environment
of its own: ``make endpoint`` runs this in it.
"""

import argparse
import base64
import io
import json
import os
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl

import numpy as np
import rich.progress
from botocore.exceptions import BotoCoreError, ClientError
from PIL import Image, UnidentifiedImageError
from rich.console import Console
from rich.table import Table

from functions.core.errors import MatteflowError
from functions.core.mask_engine import CUSTOM_ATTRIBUTES
from functions.core.mask_function import MaskFunction
from functions.core.models import Proxy
from inference_image.registry import find_model
from inference_image.weights import digest
from scripts.deployment import Deployment, DeploymentError, add_deployment, chosen_deployment
from scripts.terraform import PROJECT

MODELS = PROJECT / ".models"
REPORTS = PROJECT / ".bench"
WEIGHTS_PREFIX = "models/"  # in the uploads bucket, which keeps what is put there; pictures lie under uploads/
PROXY_MAX_SIDE = 2000  # as proxy_max_side in terraform/variables.tf
ASYNC_TIMEOUT_S = 900.0  # an endpoint that is scaled to zero starts an instance first
ASYNC_POLL_S = 0.2


class EndpointError(Exception):
    """It cannot be tried, or does not do what it should; the message says what to do."""


class Mask(NamedTuple):
    """A mask as it came, and what the container says of it: ``model``, ``provider``, ``inference-ms`` and so on."""

    png: bytes
    facts: Mapping[str, str]


class MaskTier(Protocol):
    """One way to a mask, as ``mask_tier`` chooses it; for several threads at once."""

    def infer(self, jpeg: bytes) -> Mask:
        """The mask of a picture.

        Raises:
            EndpointError: there was none.
            botocore.exceptions.ClientError, MatteflowError: AWS or the container refused.
        """
        ...


@dataclass(frozen=True)
class RealtimeTier:
    """A real-time endpoint.

    Args:
        invoke: that of the SDK's ``Endpoint``.
    """

    invoke: Callable[..., Any]

    def infer(self, jpeg: bytes) -> Mask:
        answer = self.invoke(body=jpeg, content_type="image/jpeg", accept="image/png")
        return Mask(answer.body.read(), _facts(answer.custom_attributes))


@dataclass(frozen=True)
class AsyncTier:
    """An asynchronous endpoint: it is told where a picture is, and says where the mask, or what went wrong, will be.

    Args:
        invoke_async: that of the SDK's ``Endpoint``.
        bucket: where the endpoint's role may read ``*/proxy.jpg``.
    """

    invoke_async: Callable[..., Any]
    s3: Any
    bucket: str

    def infer(self, jpeg: bytes) -> Mask:
        key = _put_proxy(self.s3, self.bucket, jpeg)
        try:
            accepted = self.invoke_async(
                input_location=f"s3://{self.bucket}/{key}",
                content_type="image/jpeg",
                accept="image/png",
                custom_attributes="facts=in-body",
            )
            png = self._wait(accepted.output_location, accepted.failure_location)
        finally:
            self.s3.delete_object(Bucket=self.bucket, Key=key)
        return Mask(png, _facts(str(Image.open(io.BytesIO(png)).info.get(CUSTOM_ATTRIBUTES, ""))))

    def _wait(self, output: str, failure: str) -> bytes:
        deadline = time.monotonic() + ASYNC_TIMEOUT_S
        while time.monotonic() < deadline:
            if (png := self._take(output)) is not None:
                return png
            if (problem := self._take(failure)) is not None:
                raise EndpointError(f"The endpoint made no mask: {problem.decode(errors='replace')}")
            time.sleep(ASYNC_POLL_S)
        raise EndpointError(f"The endpoint made no mask within {ASYNC_TIMEOUT_S:.0f} s: has it an instance?")

    def _take(self, location: str) -> bytes | None:
        """Read an object and remove it; None while it is not there."""
        bucket, _, key = location.removeprefix("s3://").partition("/")
        try:
            content: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except self.s3.exceptions.NoSuchKey:
            return None
        self.s3.delete_object(Bucket=bucket, Key=key)
        return content


@dataclass(frozen=True)
class FunctionTier:
    """The container as a function, called as InferMask calls it."""

    function: MaskFunction
    s3: Any
    bucket: str

    def infer(self, jpeg: bytes) -> Mask:
        key = _put_proxy(self.s3, self.bucket, jpeg)
        width, height = Image.open(io.BytesIO(jpeg)).size
        try:
            answer = self.function.infer(Proxy(bucket=self.bucket, key=key, width=width, height=height))
        finally:
            self.s3.delete_object(Bucket=self.bucket, Key=key)
        return Mask(
            answer.png,
            {"model": answer.model, "provider": answer.provider, "inference-ms": str(answer.inference_ms)},
        )


def _put_proxy(s3: Any, bucket: str, jpeg: bytes) -> str:
    """Put a picture where the container may read it; the key."""
    key = f"endpoint-trials/{uuid.uuid4()}/proxy.jpg"
    s3.put_object(Bucket=bucket, Key=key, Body=jpeg, ContentType="image/jpeg")
    return key


def _facts(attributes: str) -> dict[str, str]:
    return dict(parse_qsl(attributes, separator=";"))


def connect(deployment: Deployment) -> MaskTier:
    """What makes the masks of a deployment.

    Raises:
        EndpointError: it is not in service, or the SDK is not installed.
    """
    outputs = deployment.outputs
    name, bucket = outputs["mask_provider"], outputs["masks_bucket"]
    if outputs["mask_tier"] == "lambda":
        return FunctionTier(MaskFunction(name, deployment.client("lambda")), deployment.client("s3"), bucket)
    try:
        from sagemaker.core.resources import Endpoint
    except ImportError as error:
        raise EndpointError("The SageMaker SDK is not installed here. Run this by: make endpoint") from error
    if deployment.endpoint_url is not None:  # the SDK makes its clients itself
        os.environ["AWS_ENDPOINT_URL_SAGEMAKER"] = outputs["sagemaker_endpoint_url"]
        os.environ["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"] = outputs["sagemaker_runtime_endpoint_url"]
    os.environ["AWS_MAX_ATTEMPTS"] = "1"  # what fails is to be seen
    status = deployment.session.client("sagemaker").describe_endpoint(EndpointName=name)["EndpointStatus"]
    if status != "InService":
        raise EndpointError(f"The endpoint {name} is not in service: it is {status}.")
    endpoint = Endpoint(endpoint_name=name)
    context = {"session": deployment.session, "region": outputs["region"]}
    if outputs["mask_tier"] == "async":
        return AsyncTier(partial(endpoint.invoke_async, **context), deployment.client("s3"), bucket)
    return RealtimeTier(partial(endpoint.invoke, **context))


def read_picture(path: Path) -> bytes:
    """A picture as the endpoint is sent it: an sRGB JPEG of at most 2000 pixels a side.

    Raises:
        EndpointError: it is no picture.
    """
    try:
        with Image.open(path) as picture:
            proxy = picture.convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        raise EndpointError(f"{path} is not a picture that can be read: {error}") from error
    proxy.thumbnail((PROXY_MAX_SIDE, PROXY_MAX_SIDE))
    jpeg = io.BytesIO()
    proxy.save(jpeg, "JPEG", quality=90)
    return jpeg.getvalue()


def smoke(tier: MaskTier, jpeg: bytes) -> dict[str, str]:
    """Have one mask made and check it; what a person wants to know of it.

    Raises:
        EndpointError: it is no mask of the picture.
    """
    started = time.perf_counter()
    mask = tier.infer(jpeg)
    elapsed_ms = (time.perf_counter() - started) * 1000
    with Image.open(io.BytesIO(jpeg)) as picture, Image.open(io.BytesIO(mask.png)) as answer:
        if (answer.format, answer.mode, answer.size) != ("PNG", "L", picture.size):
            raise EndpointError(
                f"The answer is {answer.format} {answer.mode} of {answer.size}, not a grey PNG of {picture.size}."
            )
        levels = np.asarray(answer)
    if missing := {"model", "provider", "inference-ms"} - mask.facts.keys():
        raise EndpointError(f"The container does not say its {', '.join(sorted(missing))}.")
    if levels.min() == levels.max():
        raise EndpointError(f"The mask is {levels.min()} everywhere: the model tells nothing apart in this picture.")
    return {
        "model": mask.facts["model"],
        "provider": mask.facts["provider"],
        "inference": f"{float(mask.facts['inference-ms']):.0f} ms",
        "there and back": f"{elapsed_ms:.0f} ms",
        "mask": f"{levels.shape[1]} x {levels.shape[0]}, levels {levels.min()} to {levels.max()}",
        "covered": f"{levels.mean() / 2.55:.1f} %",
    }


@dataclass(frozen=True)
class Report:
    """What a benchmark found; times in milliseconds, of the requests that had a mask."""

    requests: int
    concurrency: int
    pictures_per_second: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    inference_p50_ms: float | None
    batch_sizes: Mapping[str, int]
    """How many masks came from a batch of which size; empty where the tier does not tell."""
    errors: Mapping[str, int]
    models: Sequence[str]
    providers: Sequence[str]


def benchmark(tier: MaskTier, jpeg: bytes, requests: int, concurrency: int, answered: Callable[[], None]) -> Report:
    """Have ``requests`` masks made, ``concurrency`` at once; ``answered`` is told of each."""

    def ask(_: int) -> tuple[float, Mapping[str, str]] | str:
        started = time.perf_counter()
        try:
            mask = tier.infer(jpeg)
            return (time.perf_counter() - started) * 1000, mask.facts
        except (BotoCoreError, ClientError, EndpointError, MatteflowError) as error:
            return _error_name(error)
        finally:
            answered()

    started = time.perf_counter()
    with ThreadPoolExecutor(concurrency) as pool:
        outcomes = list(pool.map(ask, range(requests)))
    elapsed_s = time.perf_counter() - started
    masks = [outcome for outcome in outcomes if not isinstance(outcome, str)]
    times_ms = [elapsed_ms for elapsed_ms, _ in masks]
    inference_ms = [float(facts["inference-ms"]) for _, facts in masks if "inference-ms" in facts]
    return Report(
        requests=requests,
        concurrency=concurrency,
        pictures_per_second=round(len(masks) / elapsed_s, 2),
        p50_ms=_percentile(times_ms, 50),
        p95_ms=_percentile(times_ms, 95),
        p99_ms=_percentile(times_ms, 99),
        inference_p50_ms=_percentile(inference_ms, 50),
        batch_sizes=dict(Counter(facts["batch-size"] for _, facts in masks if "batch-size" in facts)),
        errors=dict(Counter(outcome for outcome in outcomes if isinstance(outcome, str))),
        models=sorted({facts.get("model", "") for _, facts in masks}),
        providers=sorted({facts.get("provider", "") for _, facts in masks}),
    )


def _percentile(values: Sequence[float], percent: float) -> float | None:
    return round(float(np.percentile(values, percent)), 1) if values else None


def _error_name(error: Exception) -> str:
    """The code by which AWS, or the container's status behind SageMaker, is told apart."""
    if not isinstance(error, ClientError):
        return type(error).__name__
    status = error.response.get("OriginalStatusCode")
    return error.response["Error"]["Code"] + (f" {status}" if status else "")


def publish(s3: Any, bucket: str, prefix: str, model: str, folder: Path = MODELS) -> str:
    """Put a model's weights into S3, each file with its SHA-256, which S3 checks and keeps.

    Args:
        prefix: of the keys, with a slash at its end where it is a folder.
        model: its name in ``folder``, where ``make models`` puts it.

    Returns:
        the SHA-256 that the container asks of the weights: of its files one after the other, hexadecimal.

    Raises:
        EndpointError: they are not there, or S3 refuses.
    """
    paths = [folder / f"{part.name}.onnx" for part in find_model(model).parts]
    if missing := [path for path in paths if not path.is_file()]:
        raise EndpointError(f"There is no {missing[0]}. Fetch it: make models MODEL={model}")
    for path in paths:
        sha256 = digest([path], "sha256")
        try:
            with rich.progress.open(path, "rb", description=path.name) as weights:
                s3.put_object(
                    Bucket=bucket,
                    Key=f"{prefix}{path.name}",
                    Body=weights,
                    ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256)).decode(),
                    Metadata={"sha256": sha256},
                )
        except (BotoCoreError, ClientError) as error:
            raise EndpointError(f"{path.name} cannot be put into s3://{bucket}/{prefix}: {error}") from error
    return digest(paths, "sha256")


def _settings(bucket: str, prefix: str, model: str, sha256: str) -> str:
    return "\n".join(
        [
            f'inference_environment = {{ MASK_ENGINE = "{model}" }}',
            f'inference_weights     = {{ bucket = "{bucket}", prefix = "{prefix}", sha256 = "{sha256}" }}',
        ]
    )


def _astronaut() -> Path:
    import skimage

    return Path(skimage.__file__).parent / "data" / "astronaut.png"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.endpoint", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    picture = argparse.ArgumentParser(add_help=False)
    picture.add_argument("--image", type=Path, default=_astronaut(), metavar="PATH", help="the picture to send")
    parts = {
        "smoke": commands.add_parser("smoke", parents=[picture], help="have one mask made and look at it"),
        "benchmark": commands.add_parser("benchmark", parents=[picture], help="have many masks made and time them"),
        "publish": commands.add_parser("publish", help="put a model's weights into S3"),
    }
    parts["benchmark"].add_argument("--requests", type=int, default=50, help="(default: 50)")
    parts["benchmark"].add_argument(
        "--concurrency", type=int, default=4, choices=range(1, 11), metavar="1-10",
        help="requests at once, at most a client's ten connections (default: 4)",
    )  # fmt: skip
    parts["publish"].add_argument("model", help="by its name in .models/, where make models puts it")
    parts["publish"].add_argument("--bucket", help="(default: the environment's uploads bucket)")
    for part in parts.values():
        add_deployment(part)
    return parser


def _run(options: argparse.Namespace, deployment: Deployment, console: Console) -> int:
    if options.command == "publish":
        bucket = options.bucket or deployment.outputs["uploads_bucket"]
        sha256 = publish(deployment.client("s3"), bucket, WEIGHTS_PREFIX, options.model)
        console.print("Published. What serves it, in the environment's variables:", soft_wrap=True)
        console.print(_settings(bucket, WEIGHTS_PREFIX, options.model, sha256), soft_wrap=True, markup=False)
        return 0
    jpeg = read_picture(options.image)
    name = deployment.outputs["mask_provider"]
    if options.command == "smoke":
        with console.status(f"Waiting for a mask of {name}"):
            found = smoke(connect(deployment), jpeg)
        console.print(_table(name, found))
        return 0
    tier = connect(deployment)
    tier.infer(jpeg)  # which may have to start something
    with rich.progress.Progress(console=console) as progress:
        task = progress.add_task(name, total=options.requests)
        report = benchmark(tier, jpeg, options.requests, options.concurrency, lambda: progress.advance(task))
    console.print(_table(name, asdict(report)))
    path = REPORTS / f"endpoint-{options.env}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"endpoint": name, **asdict(report)}, indent=2) + "\n")
    console.print(f"Written to {path.relative_to(PROJECT)}")
    return 1 if report.errors else 0


def _table(name: str, found: Mapping[str, Any]) -> Table:
    table = Table(name, "")
    for what, value in found.items():
        table.add_row(what.replace("_", " "), json.dumps(value) if isinstance(value, dict | list) else str(value))
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return _run(options, chosen_deployment(options), Console(highlight=False))
    except (BotoCoreError, ClientError, DeploymentError, EndpointError, MatteflowError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
