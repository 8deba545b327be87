"""The cost of an environment, from what Terraform would make of it."""

import pytest

from scripts import cost


def test_every_tier_of_an_environment_has_its_price(capsys: pytest.CaptureFixture[str]) -> None:
    assert cost.main(["--env", "dev"]) == 0
    said = capsys.readouterr().out
    for what in ("16 state transitions", "ml.g4dn.xlarge", "Rekognition", "Total without labels", "remove.bg"):
        assert what in said
