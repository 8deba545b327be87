"""The services of the local stack: what each runs, where it listens, and what it sees."""

import contextlib
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import boto3

from inference_image.settings import Settings as InferenceSettings
from scripts import build
from scripts.build import PROJECT
from scripts.chosen_model import chosen
from scripts.local_stack.recorder import requests_log
from scripts.local_stack.service import HOST, Service

REGION = "us-east-1"
ACCOUNT = "000000000000"
MINISTACK_PYTHON = PROJECT / ".tools" / "ministack" / "bin" / "python"
RECORDER = Path(__file__).parent / "recorder"

# The emulators take any.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Ports:
    """Where each service listens on the loopback interface."""

    ministack: int = 4566
    sagemaker: int = 4567
    sagemaker_runtime: int = 4568
    rekognition: int = 4569
    notifications: int = 4570
    inference: int = 8080
    dashboard: int = 5173

    @classmethod
    def free(cls) -> Self:
        """Ports that nothing uses at this moment."""
        with contextlib.ExitStack() as sockets:
            names = [field.name for field in fields(cls)]
            bound = [sockets.enter_context(socket.socket()) for _ in names]
            for one in bound:
                one.bind((HOST, 0))
            return cls(**{name: one.getsockname()[1] for name, one in zip(names, bound, strict=True)})


def aws_client(service: str, endpoint_url: str) -> Any:
    """A client of one of the emulators."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )


def inference_settings() -> dict[str, str]:
    """What the inference app is told: the model that was chosen, unless the developer's environment says otherwise."""
    told = {name: value for name, value in os.environ.items() if name.lower() in InferenceSettings.model_fields}
    return chosen() | told


def requests_log_of(home: Path) -> Path:
    """The file that says what was asked of AWS; ``recorder/requests_log.py`` describes it."""
    return home / "logs" / "requests.jsonl"


def make_services(home: Path, ports: Ports) -> tuple[Service, ...]:
    """The services in the order they start: what calls comes after what it calls."""

    def service(
        name: str,
        readiness_path: str,
        command: tuple[str, ...],
        environment: Mapping[str, str],
        *,
        replaceable: bool = True,
    ) -> Service:
        port: int = getattr(ports, name)
        return Service(
            name, command, port, readiness_path, home / "logs" / f"{name}.log", PROJECT, environment, replaceable
        )

    def module(name: str, *arguments: str) -> tuple[str, ...]:
        return (sys.executable, "-m", name, *arguments)

    emulator_home = home / "ministack"
    layers = build.BUILD / build.LOCAL.name / "layers"
    aws = {**CREDENTIALS, "AWS_ENDPOINT_URL": f"http://{HOST}:{ports.ministack}"}
    log = {"AWS_REQUESTS_LOG": str(requests_log_of(home))}
    # SageMaker reads, writes and tells with the endpoint's role, and so does the container.
    as_endpoint = {**aws, **log, "AWS_REQUESTS_BY": requests_log.ENDPOINT, "PYTHONPATH": str(RECORDER)}
    return (
        service(
            "ministack",
            "/_ministack/health",
            (str(MINISTACK_PYTHON), "-m", "scripts.local_stack.ministack"),
            {
                "GATEWAY_PORT": str(ports.ministack),
                "BIND_HOST": HOST,
                "PERSIST_STATE": "1",
                "STATE_DIR": str(emulator_home / "state"),
                "S3_PERSIST": "1",
                "S3_DATA_DIR": str(emulator_home / "s3"),
                "TMPDIR": str(emulator_home / "tmp"),
                # Listeners of services that are not used.
                "IOT_MTLS_ENABLED": "0",
                "SFTP_ENABLED": "0",
                # Read by the bootstrap of scripts/build.py: the functions inherit this environment.
                "LAMBDA_PYTHON": str(build.LAMBDA_PYTHON),
                "LAMBDA_LAYERS_PATH": ":".join(
                    [*(str(layers / layer / "python") for layer in build.LAYERS), str(RECORDER)]
                ),
                # Read by the bootstrap of scripts/local_stack/ministack.py.
                "IMAGE_PYTHON": sys.executable,
                "IMAGE_ROOT": str(PROJECT),
                "IMAGE_PYTHONPATH": str(RECORDER),
                **log,
            },
            replaceable=False,
        ),
        service(
            "sagemaker",
            "/moto-api/",
            module("moto.server", "-H", HOST, "-p", str(ports.sagemaker)),
            {"MOTO_ACCOUNT_ID": ACCOUNT},
            replaceable=False,
        ),
        service(
            "inference",
            "/ping",
            module("inference_image", "serve", "--port", str(ports.inference)),
            {**as_endpoint, **inference_settings()},
        ),
        service(
            "sagemaker_runtime",
            "/ping",
            module(
                "scripts.local_stack.sagemaker_runtime",
                f"--port={ports.sagemaker_runtime}",
                f"--container-url=http://{HOST}:{ports.inference}",
            ),
            {**as_endpoint, "AWS_ENDPOINT_URL_SAGEMAKER": f"http://{HOST}:{ports.sagemaker}"},
        ),
        service(
            "rekognition",
            "/ping",
            module("scripts.local_stack.rekognition", f"--port={ports.rekognition}"),
            aws,
        ),
        service(
            "notifications",
            "/ping",
            module(
                "scripts.local_stack.notifications",
                f"--port={ports.notifications}",
                f"--messages={home / 'notifications.jsonl'}",
            ),
            {},
        ),
        service(
            "dashboard",
            "/ping",
            module(
                "scripts.local_stack.dashboard",
                f"--port={ports.dashboard}",
                f"--outputs={home / 'stack.json'}",
                f"--aws-url={aws['AWS_ENDPOINT_URL']}",
            ),
            {},
        ),
    )
