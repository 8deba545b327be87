"""The local stack: what stands in for AWS, the one Terraform configuration on it, and the inference app."""

import json
import os
import shutil
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import httpx
from rich.console import Console

from scripts import build
from scripts.build import PROJECT
from scripts.local_stack.async_inference import scale
from scripts.local_stack.infrastructure import Infrastructure, architecture
from scripts.local_stack.lock import Lock
from scripts.local_stack.service import HOST, Service, StackError, command_line, displayed, stop_group
from scripts.local_stack.services import CREDENTIALS, Ports, aws_client, inference_settings, make_services
from scripts.local_stack.sign_in import DEMO_EMAIL, authorization, keep_user
from scripts.users import new_password

DEFAULT_HOME = PROJECT / ".local"
API_READY_TIMEOUT_S = 60.0
SUPERVISION_INTERVAL_S = 1.0
MAX_REPLACEMENTS = 5  # of one service within REPLACEMENTS_WINDOW_S; after that it cannot be helped
REPLACEMENTS_WINDOW_S = 60.0
LEFTOVER_GRACE_S = 15.0
DEV_SERVER_PORT = 5174  # frontend_react/vite.config.ts


class LocalStack:
    """Every service of the local stack, and what Terraform made on them, under ``home``.

    Raises (``up``):
        AlreadyRunningError: another process runs the stack of this home.
        StackError: a port is taken, a service does not start, or Terraform fails; the message says what to do.
    """

    def __init__(
        self,
        home: Path = DEFAULT_HOME,
        ports: Ports | None = None,
        console: Console | None = None,
        mask_tier: str = "realtime",
        auth: str = "none",
    ) -> None:
        self.home = home.resolve()
        self.mask_tier = mask_tier
        self.auth = auth
        self.ports = ports or Ports()
        self.lock = Lock(self.home)
        self.services = {service.name: service for service in make_services(self.home, self.ports)}
        self._password = new_password()
        self._console = console or Console(soft_wrap=True, highlight=False)
        self._processes: dict[int, str] = {}
        self._recording = threading.Lock()
        self._stopping = threading.Event()
        self._failures: SimpleQueue[StackError] = SimpleQueue()
        self._supervisor: threading.Thread | None = None

    @property
    def _infrastructure(self) -> Infrastructure:
        return Infrastructure(self.home / "terraform", self._terraform_environment(), self._console, self._remember)

    @property
    def outputs(self) -> dict[str, Any]:
        """What ``stack.json`` says: URLs, names and ARNs of the running stack."""
        contents: dict[str, Any] = json.loads((self.home / "stack.json").read_text())
        return contents

    @property
    def is_up(self) -> bool:
        return (self.home / "stack.json").exists()

    def up(self) -> None:
        """Start everything, apply Terraform where something has changed, and wait until the API answers."""
        self.lock.acquire()
        self._stopping.clear()
        try:
            self._start()
        except BaseException:
            self.down()
            raise

    def deploy(self) -> None:
        """Apply Terraform where something has changed, such as ``mask_tier``, and wait until the API answers.

        Where sign-in is on, there is a user then, whose password is new with every start.
        """
        outputs = self._infrastructure.deploy()
        if self.mask_tier == "async":  # which is idle, and auto scaling has taken its instances away
            scale(aws_client("sagemaker", self.services["sagemaker"].url), outputs["mask_provider"], 0)
        self._subscribe(outputs["topic_arn"])
        outputs.setdefault("sign_in")  # Terraform leaves out what is null
        if outputs["sign_in"]:
            cognito = aws_client("cognito-idp", self.services["ministack"].url)
            keep_user(cognito, outputs["sign_in"], DEMO_EMAIL, self._password)
            outputs["demo_user"] = {"email": DEMO_EMAIL, "password": self._password}
        self._write_outputs(outputs)
        self._wait_for_api(outputs)

    def down(self) -> None:
        """Stop everything in order and wait until it is gone. The emulator saves its state.

        A stack that this object has not brought up is left alone.
        """
        if not self.lock.is_held:
            return
        self._stopping.set()
        if self._supervisor is not None:
            self._supervisor.join()
            self._supervisor = None
        (self.home / "stack.json").unlink(missing_ok=True)
        # What calls goes before what it calls: the emulator last, with nothing left to happen to its state.
        for service in reversed(self.services.values()):
            service.stop()
        self._processes.clear()
        self._processes_file.unlink(missing_ok=True)
        self.lock.release()

    def wait(self) -> None:
        """Wait until the stack cannot go on by itself.

        Raises:
            StackError: a service that cannot be replaced ended, or a replaced one did not come back.
        """
        raise self._failures.get()

    def stop_leftovers(self) -> int:
        """End the processes that a supervisor left when it was killed; return how many there were.

        A process is ours if its pid still runs the command line that was recorded for it.
        """
        if not self._processes_file.exists():
            return 0
        recorded: dict[str, str] = json.loads(self._processes_file.read_text())
        ours = [int(pid) for pid, command in recorded.items() if command_line(int(pid)) == command]
        for pid in reversed(ours):
            stop_group(pid, LEFTOVER_GRACE_S)
        self._processes_file.unlink()
        return len(ours)

    @property
    def _processes_file(self) -> Path:
        return self.home / "processes.json"

    def _remember(self, pid: int | None) -> None:
        """Record a process, so that it can be found after this one was killed."""
        if pid is None:
            return
        while (command := command_line(pid)) == "":
            time.sleep(0.001)  # a program that has just begun has no arguments yet
        if command is not None:
            with self._recording:  # services are started by several threads
                self._processes[pid] = command
                self._processes_file.write_text(json.dumps(self._processes, indent=2))

    def _start(self) -> None:
        (self.home / "stack.json").unlink(missing_ok=True)
        if leftovers := self.stop_leftovers():
            self._console.print(f"Stopped {leftovers} processes that an earlier run had left.")
        if self._infrastructure.is_unfinished:
            self._console.print("An earlier start was cut off while Terraform ran: starting with an empty emulator.")
            self._infrastructure.forget()
            shutil.rmtree(self.home / "ministack", ignore_errors=True)
        for service in self.services.values():
            service.check_port()
        (self.home / "ministack" / "tmp").mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        # Threads are not interrupted between a start and its record, as the main thread is by a signal.
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._spawn, self.services.values()))
        with self._console.status("Building the functions' archives"):
            for archive, was_made in build.build(build.LOCAL).items():
                if was_made:
                    self._console.print(f"Built {archive}")
        for service in self.services.values():
            with self._console.status(f"Waiting for {service.name}"):
                service.wait_until_ready()
            ready_s = time.monotonic() - started
            self._console.print(f"{service.name:18} {service.url:24} {ready_s:5.1f} s  {displayed(service.log)}")
        self.deploy()
        self._console.print(f"The local stack is ready after {time.monotonic() - started:.1f} s.")
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)
        self._supervisor.start()

    def _spawn(self, service: Service) -> None:
        service.spawn()
        self._remember(service.pid)

    def _subscribe(self, topic_arn: str) -> None:
        """Subscribe the notifications service, unless it is subscribed already.

        Not by Terraform: the provider asks SNS for the ARN of a subscription that is not confirmed yet
        (ReturnSubscriptionArn), which the emulator does not give, and waits for it in vain.
        """
        subscriber = f"{self.services['notifications'].url}/"
        aws_client("sns", self.services["ministack"].url).subscribe(
            TopicArn=topic_arn, Protocol="http", Endpoint=subscriber
        )

    def _wait_for_api(self, outputs: Mapping[str, Any]) -> None:
        api_url, headers = outputs["api_url"], authorization(outputs)
        deadline = time.monotonic() + API_READY_TIMEOUT_S
        problem = ""
        with self._console.status("Waiting for the API"):
            while time.monotonic() < deadline:
                try:
                    answer = httpx.get(
                        f"{api_url}/health", headers=headers, timeout=API_READY_TIMEOUT_S, trust_env=False
                    )
                    if answer.status_code == httpx.codes.OK:
                        return
                    problem = f"HTTP {answer.status_code}: {answer.text[:500]}"
                except httpx.TransportError as error:
                    problem = str(error)
                time.sleep(0.5)
        raise StackError(f"{api_url}/health does not answer 200: {problem}")

    def _supervise(self) -> None:
        """Replace crashed services, as SageMaker replaces a container, until the stack is stopped or cannot go on."""
        replacements: dict[str, list[float]] = {name: [] for name in self.services}
        while not self._stopping.wait(SUPERVISION_INTERVAL_S):
            for service in self.services.values():
                if not service.crashed:
                    continue
                ended = f"{service.name} ended with {service.exit_status()}"
                now = time.monotonic()
                recent = [at for at in replacements[service.name] if now - at < REPLACEMENTS_WINDOW_S]
                replacements[service.name] = [*recent, now]
                try:
                    if not service.replaceable or len(recent) >= MAX_REPLACEMENTS:
                        raise StackError(f"{ended}, and cannot be replaced.\n{service.log_tail()}")
                    self._console.print(f"{ended}: starting it again")
                    service.replace_if_crashed()
                    self._remember(service.pid)
                except StackError as error:
                    self._failures.put(error)
                    return

    def _write_outputs(self, outputs: Mapping[str, Any]) -> None:
        contents = {
            **outputs,
            "dashboard_url": self.services["dashboard"].url,
            "pid": os.getpid(),
            "inference_url": self.services["inference"].url,
            "aws_endpoint_url": self.services["ministack"].url,
            "sagemaker_endpoint_url": self.services["sagemaker"].url,
            "sagemaker_runtime_endpoint_url": self.services["sagemaker_runtime"].url,
            "rekognition_endpoint_url": self.services["rekognition"].url,
            "notifications_url": self.services["notifications"].url,
        }
        unfinished = self.home / "stack.json.unfinished"
        unfinished.write_text(json.dumps(contents, indent=2) + "\n")
        unfinished.replace(self.home / "stack.json")

    def _terraform_environment(self) -> dict[str, str]:
        emulator = self.services["ministack"].url
        origins = [
            f"http://{host}:{port}" for port in (self.ports.dashboard, DEV_SERVER_PORT) for host in (HOST, "localhost")
        ]
        functions = {
            "AWS_ENDPOINT_URL": emulator,
            "AWS_ENDPOINT_URL_SAGEMAKER": self.services["sagemaker"].url,
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": self.services["sagemaker_runtime"].url,
            "AWS_ENDPOINT_URL_REKOGNITION": self.services["rekognition"].url,
        }
        return {
            **CREDENTIALS,
            "AWS_PROFILE": "",  # a profile of the developer's would win over the credentials above
            "AWS_ENDPOINT_URL": emulator,
            "AWS_ENDPOINT_URL_SAGEMAKER": self.services["sagemaker"].url,
            "TF_VAR_lambda_architecture": architecture(),
            "TF_VAR_mask_tier": self.mask_tier,
            "TF_VAR_auth": self.auth,
            "TF_VAR_sign_in_url_override": emulator,
            "TF_VAR_inference_environment": json.dumps(inference_settings()),
            "TF_VAR_function_environment": json.dumps(functions),
            "TF_VAR_cors_origins": json.dumps(origins),
            "TF_VAR_dashboard_url": self.services["dashboard"].url,
            "TF_VAR_api_url_override": f"{emulator}/_aws/execute-api/{{api_id}}/$default",
        }
