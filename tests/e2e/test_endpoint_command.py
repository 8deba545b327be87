"""The command that tries an endpoint, with the SageMaker SDK, on the running stack."""

import subprocess

from scripts.terraform import PROJECT

PYTHON = PROJECT / ".tools" / "endpoint" / "bin" / "python"


def test_the_sdk_has_a_mask_made(pipeline):
    assert PYTHON.exists(), "The SageMaker SDK is not installed in .tools/endpoint. Run `make test`."

    done = subprocess.run(
        [PYTHON, "-m", "scripts.endpoint", "smoke", "--stack", pipeline.stack.home / "stack.json"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "matteflow" in done.stdout
    assert "512 x 512, levels 0 to 255" in done.stdout
