"""The command that runs Terraform, up to what it refuses; what it applies is tested by the local stack."""

import sys
from pathlib import Path

import pytest

from scripts import terraform


def test_an_unknown_environment_is_refused_with_those_that_exist(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["terraform", "plan", "moon"])

    status = terraform.main()

    assert status == 1
    assert "'moon'" in (message := capsys.readouterr().err)
    assert "There are: dev." in message


def test_a_missing_terraform_is_named_with_where_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(terraform.TerraformError, match=r"not on PATH.*developer\.hashicorp\.com"):
        terraform.terraform("version", data_dir=tmp_path)


def test_a_folder_of_providers_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TF_PLUGIN_DIR", str(tmp_path))

    assert terraform.plugin_dir() == tmp_path


def test_environments_share_neither_state_nor_working_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(terraform, "STATES", tmp_path)
    monkeypatch.setattr(terraform, "ENVIRONMENTS", tmp_path)
    for name in ("dev", "staging"):
        (tmp_path / f"{name}.tfvars").touch()

    for name in ("dev", "staging"):
        terraform.initialize_environment(name)

    for name in ("dev", "staging"):
        # The backend's own record, which Terraform keeps with its working data.
        backend = (terraform.data_dir_of(name) / "terraform.tfstate").read_text()
        assert str(tmp_path / name / "terraform.tfstate") in backend


def test_a_failed_init_says_why(tmp_path: Path) -> None:
    with pytest.raises(terraform.TerraformError, match="terraform init failed"):
        terraform.initialize("-backend-config=no-such-setting=1", data_dir=tmp_path)
