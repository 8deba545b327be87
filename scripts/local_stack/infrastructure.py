"""The one Terraform configuration, applied to the emulators of the local stack.

The emulator keeps what was made, and Terraform's state with it, in a bucket as on AWS: an apply is due only when
something that feeds it has changed. moto keeps nothing: the SageMaker resources are made anew in every run, by an apply
of those alone.
"""

import json
import os
import platform
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from scripts import build, terraform
from scripts.local_stack.service import StackError
from scripts.local_stack.services import ACCOUNT, REGION, aws_client
from scripts.state_bucket import bucket_name

SAGEMAKER_TARGET = "-target=aws_sagemaker_endpoint.inference"
INTERRUPT_GRACE_S = 20.0  # Terraform writes its state before it ends
PROGRESS_EVERY = 10  # resources; for output that is no terminal

Outputs = dict[str, Any]


class Infrastructure:
    """What Terraform makes of one local stack; its working data lie under ``folder``.

    Args:
        environment: credentials and endpoints for the provider, and ``TF_VAR_...`` variables.
        started: told the pid of each process that is started, so that it can be ended after a crash.
    """

    def __init__(
        self, folder: Path, environment: Mapping[str, str], console: Console, started: Callable[[int], None]
    ) -> None:
        self._folder = folder
        self._environment = environment
        self._console = console
        self._started = started
        self._applied = folder / "applied.json"
        self._unfinished = folder / "unfinished"

    @property
    def is_unfinished(self) -> bool:
        """Whether an apply was cut off, so that what was made and what Terraform knows may differ."""
        return self._unfinished.exists()

    def forget(self) -> None:
        """Forget what was made; the emulator's state must go with it."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def deploy(self) -> Outputs:
        """Bring the emulators to what the configuration says; return Terraform's outputs.

        Raises:
            StackError: Terraform cannot be run or fails; the message holds its diagnostics.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        archives = build.BUILD / build.LOCAL.name
        fingerprint = terraform.fingerprint([terraform.LOCAL_VARIABLES], archives, self._environment)
        kept = json.loads(self._applied.read_text()) if self._applied.exists() else {}
        if kept.get("fingerprint") == fingerprint and self._is_still_there(kept["outputs"]):
            self._console.print("Nothing has changed: only the SageMaker endpoint is made anew.")
            self._apply(SAGEMAKER_TARGET)
            return dict(kept["outputs"])
        self._applied.unlink(missing_ok=True)
        self._initialize()
        self._apply()
        outputs = self._read_outputs()
        self._applied.write_text(json.dumps({"fingerprint": fingerprint, "outputs": outputs}, indent=2))
        return outputs

    def _is_still_there(self, outputs: Outputs) -> bool:
        """Whether the emulator still has what was applied: one thing of each kind that keeps a picture."""
        emulator = self._environment["AWS_ENDPOINT_URL"]
        try:
            aws_client("s3", emulator).head_bucket(Bucket=outputs["uploads_bucket"])
            aws_client("dynamodb", emulator).describe_table(TableName=outputs["table"])
            aws_client("stepfunctions", emulator).describe_state_machine(stateMachineArn=outputs["state_machine_arn"])
            aws_client("sns", emulator).get_topic_attributes(TopicArn=outputs["topic_arn"])
        except (BotoCoreError, ClientError):
            return False
        return True

    def _initialize(self) -> None:
        bucket = bucket_name(ACCOUNT, REGION)
        aws_client("s3", self._environment["AWS_ENDPOINT_URL"]).create_bucket(Bucket=bucket)
        try:
            terraform.initialize_backend(
                terraform.LOCAL_VARIABLES.stem,
                bucket,
                REGION,
                "-backend-config=use_lockfile=false",  # the stack's home is locked, and a killed start keeps no lock
                data_dir=self._folder / "data",
                environment=self._environment,
            )
        except terraform.TerraformError as error:
            raise StackError(str(error)) from error

    def _read_outputs(self) -> Outputs:
        try:
            return terraform.outputs(self._folder / "data", self._environment)
        except terraform.TerraformError as error:
            raise StackError(str(error)) from error

    def _apply(self, *options: str) -> None:
        """``terraform apply`` with its progress shown; an interruption ends it in order.

        Raises:
            StackError: the apply failed; the message holds Terraform's diagnostics.
        """
        command = [
            "terraform",
            f"-chdir={terraform.ROOT}",
            "apply",
            "-json",
            "-auto-approve",
            f"-var-file={terraform.LOCAL_VARIABLES}",
        ]
        try:
            process = subprocess.Popen(
                [*command, *options],
                env={**os.environ, **self._environment, "TF_DATA_DIR": str(self._folder / "data")},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise StackError("Terraform is not on PATH.") from error
        self._unfinished.touch()
        with process:
            self._started(process.pid)
            try:
                problems = self._follow(process)
            except BaseException:
                self._interrupt(process)
                raise
        self._unfinished.unlink()
        if process.returncode != 0:
            raise StackError("terraform apply failed:\n" + "\n".join(problems))

    def _follow(self, process: "subprocess.Popen[str]") -> list[str]:
        """Show the progress of an apply until it ends; return its errors."""
        started = time.monotonic()
        done, planned = 0, 0
        problems: list[str] = []
        said: list[str] = []
        with self._console.status("Terraform is planning") as status:
            for line in process.stdout or ():
                try:
                    event = json.loads(line)
                except ValueError:
                    said.append(line.rstrip())
                    continue
                match event:
                    case {"type": "planned_change", "change": {"action": action}} if action != "read":
                        planned += 1
                    case {"type": "apply_complete", "hook": {"action": action, "resource": {"addr": address}}} if (
                        action != "read"
                    ):
                        done += 1
                        progress = f"Terraform: {done} of {planned} resources, {time.monotonic() - started:.0f} s"
                        status.update(f"{progress}: {address}")
                        if not self._console.is_terminal and done % PROGRESS_EVERY == 0:
                            self._console.print(progress)
                    case {"type": "diagnostic", "diagnostic": {"severity": "error", "summary": summary, **rest}}:
                        problems.append(f"{summary} {rest.get('address', '')}\n{rest.get('detail', '')}")
        process.wait()
        self._console.print(f"Terraform: {done} resources in {time.monotonic() - started:.1f} s")
        return problems or said  # what ends Terraform before it has read its options, it says in plain text

    def _interrupt(self, process: "subprocess.Popen[str]") -> None:
        """Ask Terraform to end, so that it saves what it has made; kill it when it takes too long."""
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=INTERRUPT_GRACE_S)
            self._unfinished.unlink()
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def architecture() -> str:
    """This machine's processor as Lambda names it."""
    return "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
