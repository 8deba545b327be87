"""The keys that sign URLs of results: ``python -m scripts.signing_key --env NAME [--region REGION]``.

Makes an ECDSA P-256 key pair. The private half goes straight into the secret ``matteflow-<env>/signing-key``, and is on
no disk and in no state of Terraform. The public half goes into the parameter
``/matteflow-<env>/signing-keys/<version of the secret>``, where Terraform finds it: the next ``make deploy`` has
CloudFront trust it, and the API sign with it after that.

Run again, it makes the next key, and the one before it is trusted still, so that no URL breaks. Two keys are kept.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from uuid6 import uuid7

from scripts import terraform

KEPT = 2  # the newest signs; Secrets Manager keeps the one before it, too, as AWSPREVIOUS


class SigningKeys:
    """The signing keys of one environment, in the session's account and region.

    Every method raises what boto3 raises.
    """

    def __init__(self, environment: str, session: boto3.Session) -> None:
        self.secret = f"matteflow-{environment}/signing-key"
        self.path = f"/matteflow-{environment}/signing-keys"
        self._secrets = session.client("secretsmanager")
        self._parameters = session.client("ssm")
        self._tags: Any = [{"Key": "Project", "Value": "matteflow"}, {"Key": "Environment", "Value": environment}]

    def versions(self) -> list[str]:
        """The keys there are, by the version of the secret, oldest first."""
        pages = self._parameters.get_paginator("get_parameters_by_path").paginate(Path=self.path)
        return sorted(found["Name"].rsplit("/", 1)[1] for page in pages for found in page["Parameters"])

    def make(self) -> str:
        """Make the next key, and forget those that are too old to be of use; the version of the new one."""
        private_key = ec.generate_private_key(ec.SECP256R1())
        private = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        public = private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        version = str(uuid7())  # in order of time
        secret_arn = self._keep(private, version)
        self._parameters.put_parameter(
            Name=f"{self.path}/{version}",
            Description="The public half of a key that signs URLs of results.",
            Type="String",
            Value=json.dumps({"public_key": public, "secret_arn": secret_arn}),
            Tags=self._tags,
        )
        self._forget(self.versions()[:-KEPT])
        return version

    def remove(self) -> None:
        """Take the secret and every public half away: no URL can be signed any more."""
        self._forget(self.versions())
        try:
            self._secrets.delete_secret(SecretId=self.secret, ForceDeleteWithoutRecovery=True)
        except self._secrets.exceptions.ResourceNotFoundException:
            return

    def _keep(self, private: str, version: str) -> str:
        """Write a private half as the newest version of the secret; the secret's ARN."""
        value: Any = {"ClientRequestToken": version, "SecretString": private}
        try:
            return self._secrets.put_secret_value(SecretId=self.secret, **value)["ARN"]
        except self._secrets.exceptions.ResourceNotFoundException:
            description = "The private keys that sign URLs of results, a version each."
            return self._secrets.create_secret(Name=self.secret, Description=description, Tags=self._tags, **value)[
                "ARN"
            ]

    def _forget(self, versions: Sequence[str]) -> None:
        for version in versions:
            self._parameters.delete_parameter(Name=f"{self.path}/{version}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.signing_key", description="Make the key that signs URLs of results, or the next one."
    )
    parser.add_argument("--env", required=True, metavar="NAME", help="an environment on AWS")
    parser.add_argument("--region", help="another region than the environment's own")
    parser.add_argument("--unless-there", action="store_true", help="do nothing if there is a key, or no use for one")
    parser.add_argument("--remove", action="store_true", help="take all keys away, after the environment is gone")
    options = parser.parse_args(arguments)
    try:
        environment = terraform.find_environment(options.env, options.region)
        if options.unless_there and not terraform.values(environment)["edge"]:
            return 0
        keys = SigningKeys(environment.name, environment.session)
        if options.remove:
            keys.remove()
            print(f"There is no signing key of {options.env} any more.")
        elif options.unless_there and keys.versions():
            print(f"{options.env} has its signing key.")
        else:
            print(
                f"{options.env} has a new signing key, {keys.make()}. It is used after: make deploy {environment.words}"
            )
    except (terraform.TerraformError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
