"""Build what Terraform deploys: the functions' archive, and one archive a layer, the same bytes from the same inputs.

    python -m scripts.build [--target aws|local|all]

``aws`` is made of wheels for Lambda's Python 3.13 on arm64, on any machine. ``local`` is made for the interpreter of
``.tools/lambda``; its functions.zip holds a ``bootstrap``, and its layers also lie unpacked in ``layers/`` because the
local emulator does not unpack them for a custom runtime. What is up to date is left as it is.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
BUILD = PROJECT / ".build"
LAYERS = ("core", "imaging")
UV = PROJECT / ".tools" / "uv" / "bin" / "uv"
LAMBDA_PYTHON = PROJECT / ".tools" / "lambda" / "bin" / "python"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold

_AWS_CLIENT = re.compile(r"""boto3\.(?:client|resource)\(\s*["']([a-z0-9-]+)["']""")

# Lambda gives a custom runtime its handler in _HANDLER; the stack gives the emulator the other two.
BOOTSTRAP = """\
#!/bin/sh
export PYTHONPATH="$LAMBDA_TASK_ROOT:$LAMBDA_LAYERS_PATH"
exec "$LAMBDA_PYTHON" -m awslambdaric "$_HANDLER"
"""


class BuildError(Exception):
    """An archive cannot be built; the message says why and what to do."""


@dataclass(frozen=True)
class Target:
    """For whom an archive is built; ``pip_options`` choose the wheels.

    A custom runtime needs a bootstrap in functions.zip, and its layers unpacked.
    """

    name: str
    pip_options: tuple[str, ...]
    is_custom_runtime: bool


# Lambda's python3.13 runs on Amazon Linux 2023, whose glibc 2.34 takes manylinux_2_28 wheels.
AWS = Target("aws", ("--python-platform=aarch64-manylinux_2_28", "--python-version=3.13"), is_custom_runtime=False)
LOCAL = Target("local", (f"--python={LAMBDA_PYTHON}",), is_custom_runtime=True)
TARGETS = {target.name: target for target in (AWS, LOCAL)}


@dataclass(frozen=True)
class Entry:
    """One file of an archive: its path there, its bytes, and whether it may be executed."""

    path: str
    content: bytes
    executable: bool = False


def write_archive(archive: Path, entries: Iterable[Entry]) -> None:
    """Write a zip whose bytes depend on nothing but its entries."""
    unfinished = archive.with_suffix(".unfinished")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for entry in sorted(entries, key=lambda entry: entry.path):
            info = zipfile.ZipInfo(entry.path, EPOCH)
            info.create_system = 3  # Unix, whatever made it: the mode below is read
            info.external_attr = (0o100755 if entry.executable else 0o100644) << 16
            file.writestr(info, entry.content, zipfile.ZIP_DEFLATED)
    unfinished.replace(archive)


def files_of(folder: Path) -> Iterator[Path]:
    """Every file under ``folder`` that belongs in an archive, in a stable order."""
    return (
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".pyc" and "__pycache__" not in path.parts
    )


def function_entries(target: Target, package: Path) -> Iterator[Entry]:
    """The package ``functions`` as the functions import it, and the target's bootstrap."""
    for path in files_of(package):
        yield Entry(path.relative_to(package.parent).as_posix(), path.read_bytes())
    if target.is_custom_runtime:
        yield Entry("bootstrap", BOOTSTRAP.encode(), executable=True)


def aws_services(package: Path) -> set[str]:
    """The AWS services, as boto3 names them, that a package makes clients of."""
    return {name for path in package.rglob("*.py") for name in _AWS_CLIENT.findall(path.read_text())}


def install(target: Target, requirements: Path, folder: Path) -> None:
    """Install pinned, hashed wheels into ``folder``, without what no function reads.

    Of the AWS SDK that is the description of every service that no function calls: three quarters of the layer.

    Raises:
        BuildError: uv is missing, or a wheel cannot be had.
    """
    if not UV.exists():
        raise BuildError(f"There is no {UV.relative_to(PROJECT)}. Run `make setup` first.")
    done = subprocess.run(
        [str(UV), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:",
         *target.pip_options, f"--target={folder}", f"--requirements={requirements}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise BuildError(f"The packages of {requirements.name} cannot be installed for {target.name}:\n{done.stderr}")
    (folder / ".lock").unlink(missing_ok=True)
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for unread in [*folder.rglob("tests"), *folder.rglob("__pycache__")]:
        shutil.rmtree(unread)
    called = aws_services(PROJECT / "functions")
    for description in [*folder.glob("boto3/data/*/"), *folder.glob("botocore/data/*/")]:
        if description.is_dir() and description.name not in called:
            shutil.rmtree(description)
    for unread in [*folder.rglob("*.pyi"), *folder.glob("*.dist-info/RECORD"), *folder.glob("*.dist-info/INSTALLER")]:
        unread.unlink()


def digest_of(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def make_unless_current(archive: Path, inputs: str, make: Callable[[], None]) -> bool:
    """Call ``make`` unless ``archive`` was made from the same ``inputs``; return whether it was called."""
    stamp = archive.with_suffix(".inputs")
    if archive.exists() and stamp.exists() and stamp.read_text() == inputs:
        return False
    archive.parent.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    make()
    stamp.write_text(inputs)
    return True


def build_functions(target: Target, package: Path, destination: Path) -> bool:
    """Make functions.zip in ``destination``; return whether it had to be made."""
    entries = list(function_entries(target, package))
    inputs = digest_of(*(part for entry in entries for part in (entry.path.encode(), entry.content)))
    archive = destination / "functions.zip"
    return make_unless_current(archive, inputs, lambda: write_archive(archive, entries))


def build_layer(target: Target, requirements: Path, destination: Path, name: str) -> bool:
    """Make the layer ``name`` in ``destination`` from a requirements file; return whether it had to be made.

    Raises:
        BuildError: uv is missing, or a wheel cannot be had.
    """
    archive = destination / f"layer-{name}.zip"
    unpacked = destination / "layers" / name
    interpreter = LAMBDA_PYTHON.parents[1] / "pyvenv.cfg"  # its version chooses the local wheels
    inputs = digest_of(
        requirements.read_bytes(),
        repr(target).encode(),
        interpreter.read_bytes(),
        Path(__file__).read_bytes(),
        repr(sorted(aws_services(PROJECT / "functions"))).encode(),
    )

    def make() -> None:
        with tempfile.TemporaryDirectory(dir=destination) as scratch:
            root = Path(scratch)
            install(target, requirements, root / "python")
            write_archive(
                archive, (Entry(path.relative_to(root).as_posix(), path.read_bytes()) for path in files_of(root))
            )
            if target.is_custom_runtime:
                shutil.rmtree(unpacked, ignore_errors=True)
                unpacked.mkdir(parents=True)
                (root / "python").rename(unpacked / "python")

    return make_unless_current(archive, inputs, make)


def build(target: Target) -> dict[str, bool]:
    """Make every archive of a target; return for each whether it had to be made.

    Raises:
        BuildError: uv is missing, or a wheel cannot be had.
    """
    destination = BUILD / target.name
    made = {"functions.zip": build_functions(target, PROJECT / "functions", destination)}
    for name in LAYERS:
        requirements = PROJECT / "requirements" / f"functions-{name}.txt"
        made[f"layer-{name}.zip"] = build_layer(target, requirements, destination, name)
    return made


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.build", description="Build what Terraform deploys.")
    parser.add_argument("--target", choices=[*TARGETS, "all"], default="all")
    chosen = parser.parse_args().target
    try:
        for target in TARGETS.values() if chosen == "all" else [TARGETS[chosen]]:
            for archive, was_made in build(target).items():
                path = BUILD / target.name / archive
                size_mb = path.stat().st_size / 1e6
                print(f"{path.relative_to(PROJECT)}  {size_mb:.1f} MB  {'built' if was_made else 'up to date'}")
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
