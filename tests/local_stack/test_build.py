"""The archives: the same bytes from the same inputs, and what they hold."""

import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from scripts import build


def make_package(folder: Path) -> Path:
    package = folder / "functions"
    (package / "step" / "__pycache__").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "step" / "handler.py").write_text("handler = print\n")
    (package / "step" / "openapi.json").write_text("{}")
    (package / "step" / "__pycache__" / "handler.cpython-311.pyc").write_bytes(b"\0")
    return package


def test_every_client_of_the_functions_has_its_service_in_the_layer() -> None:
    package = build.PROJECT / "functions"
    imports = re.compile(r"from mypy_boto3_([a-z0-9_]+?)(?:\.\w+)? import")
    typed = {name for path in package.rglob("*.py") for name in imports.findall(path.read_text())}

    assert {"dynamodb", "sns", "stepfunctions"} <= typed
    assert build.aws_services(package) == {name.replace("_", "-") for name in typed}


def test_functions_archive_is_the_same_bytes_when_built_elsewhere_later(tmp_path: Path) -> None:
    first, second = make_package(tmp_path / "first"), make_package(tmp_path / "second")
    (second / "__init__.py").touch()
    (second / "step" / "handler.py").chmod(0o600)

    build.build_functions(build.LOCAL, first, tmp_path / "out" / "first")
    build.build_functions(build.LOCAL, second, tmp_path / "out" / "second")

    archives = [tmp_path / "out" / name / "functions.zip" for name in ("first", "second")]
    assert archives[0].read_bytes() == archives[1].read_bytes()


def test_functions_archive_for_aws_holds_the_package_and_nothing_compiled(tmp_path: Path) -> None:
    build.build_functions(build.AWS, make_package(tmp_path), tmp_path / "out")

    with zipfile.ZipFile(tmp_path / "out" / "functions.zip") as archive:
        assert archive.namelist() == [
            "functions/__init__.py",
            "functions/step/handler.py",
            "functions/step/openapi.json",
        ]


def test_functions_archive_for_the_local_stack_has_an_executable_bootstrap(tmp_path: Path) -> None:
    build.build_functions(build.LOCAL, make_package(tmp_path), tmp_path / "out")

    with zipfile.ZipFile(tmp_path / "out" / "functions.zip") as archive:
        bootstrap = archive.getinfo("bootstrap")
        assert archive.read(bootstrap).startswith(b"#!/bin/sh\n")
    assert bootstrap.external_attr >> 16 & 0o777 == 0o755


def test_functions_archive_is_built_again_only_when_its_source_has_changed(tmp_path: Path) -> None:
    package, out = make_package(tmp_path), tmp_path / "out"

    assert build.build_functions(build.AWS, package, out)
    assert not build.build_functions(build.AWS, package, out)
    (package / "__init__.py").write_text("changed = True\n")
    assert build.build_functions(build.AWS, package, out)


def test_the_bootstrap_gives_the_handler_to_the_runtime_interface_client(tmp_path: Path) -> None:
    # given a python that says what it is called with
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@" "$PYTHONPATH"\n')
    python.chmod(0o755)
    bootstrap = tmp_path / "bootstrap"
    bootstrap.write_text(build.BOOTSTRAP)
    bootstrap.chmod(0o755)

    said = subprocess.run(
        [bootstrap],
        env={
            "LAMBDA_PYTHON": str(python),
            "LAMBDA_TASK_ROOT": "/code",
            "LAMBDA_LAYERS_PATH": "/a:/b",
            "_HANDLER": "m.h",
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert said == "-m awslambdaric m.h /code:/a:/b\n"


def test_a_layer_is_laid_out_for_lambda_and_unpacked_for_the_emulator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given an installer that leaves what uv leaves
    def install(_target: build.Target, _requirements: Path, folder: Path) -> None:
        (folder / "pillow").mkdir(parents=True)
        (folder / "pillow" / "__init__.py").write_text("")

    monkeypatch.setattr(build, "install", install)
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("pillow==1\n")

    build.build_layer(build.LOCAL, requirements, tmp_path / "out", "imaging")

    with zipfile.ZipFile(tmp_path / "out" / "layer-imaging.zip") as archive:
        assert archive.namelist() == ["python/pillow/__init__.py"]
    assert (tmp_path / "out" / "layers" / "imaging" / "python" / "pillow" / "__init__.py").is_file()


def test_a_layer_that_cannot_be_installed_says_so_and_is_not_taken_for_built(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("pillow==13.0.0\n")  # without its hash

    for _ in range(2):
        with pytest.raises(build.BuildError, match=r"packages of .* cannot be installed"):
            build.build_layer(build.LOCAL, requirements, tmp_path / "out", "imaging")
