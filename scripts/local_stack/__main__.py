"""The command line of the local stack: ``python -m scripts.local_stack run|demo|down|status``."""

import argparse
import os
import signal
import sys
import time
from dataclasses import fields
from pathlib import Path
from types import FrameType

import httpx
from rich.console import Console
from rich.table import Table

from scripts.build import BuildError
from scripts.local_stack.demo import DEFAULT_PICTURE, DemoError, show_picture
from scripts.local_stack.lock import AlreadyRunningError
from scripts.local_stack.service import StackError, displayed
from scripts.local_stack.services import Ports
from scripts.local_stack.stack import DEFAULT_HOME, LocalStack

DOWN_TIMEOUT_S = 120.0
console = Console(soft_wrap=True, highlight=False)


def interrupt_once(_number: int, _frame: FrameType | None) -> None:
    """Leave what runs, once: what is being stopped must not be interrupted by an impatient second signal."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def print_addresses(stack: LocalStack) -> None:
    outputs = stack.outputs
    console.print(f"Dashboard      {outputs['dashboard_url']}")
    console.print(f"API            {outputs['api_url']}")
    if user := outputs.get("demo_user"):
        console.print(f"Sign in as     {user['email']} with the password {user['password']}")
    console.print(f"Notifications  {displayed(stack.home / 'notifications.jsonl')}")
    console.print(f"Everything     {displayed(stack.home / 'stack.json')}")


def run(stack: LocalStack, picture: Path) -> int:
    """Process one picture, then serve until Ctrl-C; a stack that is already running is left as it is."""
    try:
        stack.up()
    except AlreadyRunningError as running:
        console.print(f"{running}")
        if stack.is_up:
            print_addresses(stack)
        else:
            console.print("It is still starting.")
        return 0
    try:
        show_picture(stack.outputs, stack.home, picture, console)
        print_addresses(stack)
        console.print("Ctrl-C ends it.")
        stack.wait()
    finally:
        stack.down()
    return 0


def demo(stack: LocalStack, picture: Path) -> int:
    """Process one picture, on the stack that runs or on one of its own."""
    if not picture.is_file():
        raise DemoError(f"There is no file {picture}.")
    try:
        stack.up()
    except AlreadyRunningError:
        if not stack.is_up:
            raise StackError("The local stack is still starting in another process. Try again when it is up.") from None
        show_picture(stack.outputs, stack.home, picture, console)
        return 0
    try:
        show_picture(stack.outputs, stack.home, picture, console)
    finally:
        stack.down()
    return 0


def down(stack: LocalStack) -> int:
    """Stop the running stack, and whatever a killed supervisor has left."""
    supervisor = stack.lock.holder
    if supervisor is None:
        leftovers = stack.stop_leftovers()
        console.print(f"The local stack is not running. Stopped {leftovers} processes that an earlier run had left.")
        return 0
    os.kill(supervisor, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_TIMEOUT_S
    while stack.lock.holder is not None:
        if time.monotonic() > deadline:
            raise StackError(f"The supervisor (pid {supervisor}) has not ended after {DOWN_TIMEOUT_S:.0f} s.")
        time.sleep(0.2)
    console.print("The local stack is stopped.")
    return 0


def status(stack: LocalStack) -> int:
    """Show which services answer; the exit status is 0 when the stack is up."""
    supervisor = stack.lock.holder
    if supervisor is None:
        console.print("The local stack is not running.")
        return 1
    console.print(f"The local stack is {'up' if stack.is_up else 'starting'} (pid {supervisor}).")
    table = Table("service", "address", "state")
    for service in stack.services.values():
        table.add_row(service.name, service.url, "ready" if service.is_ready() else "not ready")
    console.print(table)
    console.print(f"Logs           {displayed(stack.home / 'logs')}")
    if not stack.is_up:
        return 1
    print_addresses(stack)
    return 0


def port_number(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 65_535:
        raise argparse.ArgumentTypeError(f"{number} is no port: 1 to 65535")
    return number


def parse(arguments: list[str] | None) -> argparse.Namespace:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--home", type=Path, default=DEFAULT_HOME, help="where state and logs are kept (.local)")
    for port in fields(Ports):
        option = f"--{port.name.replace('_', '-')}-port"
        shared.add_argument(
            option, type=port_number, default=port.default, metavar="PORT", help=f"(default: {port.default})"
        )
    parser = argparse.ArgumentParser(prog="python -m scripts.local_stack", description="Matteflow on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", parents=[shared], help="start everything, process a picture, and serve until Ctrl-C")
    picture = commands.add_parser("demo", parents=[shared], help="process one picture and show what came of it")
    picture.add_argument("image", nargs="?", type=Path, default=DEFAULT_PICTURE, metavar="IMAGE")
    commands.add_parser("down", parents=[shared], help="stop the running stack")
    commands.add_parser("status", parents=[shared], help="show which services answer")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    parsed = parse(arguments)
    ports = Ports(**{port.name: getattr(parsed, f"{port.name}_port") for port in fields(Ports)})
    stack = LocalStack(
        parsed.home, ports, console, os.environ.get("MASK_TIER", "realtime"), os.environ.get("AUTH", "none")
    )
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt_once)
    try:
        match parsed.command:
            case "run":
                return run(stack, DEFAULT_PICTURE)
            case "demo":
                return demo(stack, parsed.image)
            case "down":
                return down(stack)
            case _:
                return status(stack)
    except KeyboardInterrupt:
        console.print("Everything is stopped.")
        return 0 if parsed.command == "run" else 130
    except httpx.TransportError as error:
        console.print(f"The local stack stopped answering: {error}", style="red", markup=False)
        return 1
    except (StackError, BuildError, DemoError, OSError) as error:
        console.print(str(error), style="red", markup=False)
        return 1


if __name__ == "__main__":
    sys.exit(main())
