"""Invite a person to sign in: ``python -m scripts.users --email ADDRESS [--group NAME] [--env NAME]``.

Cognito sends the invitation with a temporary password; the local stack sends no e-mail, so that it is printed there.
"""

import argparse
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from scripts.deployment import Deployment, DeploymentError, add_deployment, chosen_deployment
from scripts.sign_in import SignInError, settings_of


class NotInvited(Exception):
    """The person could not be invited; the message says why."""


def pool_of(sign_in: Mapping[str, Any]) -> str:
    """The id of the user pool: Cognito's issuers end with it."""
    return str(sign_in["issuer"]).rsplit("/", 1)[-1]


def new_password() -> str:
    """A random password that the policy of ``terraform/cognito.tf`` takes."""
    return f"{secrets.token_urlsafe(12)}-aA1"


def invite(deployment: Deployment, email: str, group: str | None, tell: Callable[[str], None] = print) -> None:
    """Make an account for ``email``, unless there is one, and put it into ``group``.

    Raises:
        SignInError: sign-in is off in this deployment.
        NotInvited: there is no such group, or Cognito refuses; nobody was invited then.
    """
    pool = pool_of(settings_of(deployment))
    cognito = deployment.client("cognito-idp")
    is_local = deployment.endpoint_url is not None
    password = new_password()
    try:
        if group is not None:
            _check_group(cognito, pool, group)
        try:
            cognito.admin_create_user(
                UserPoolId=pool,
                Username=email,
                UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
                **({"TemporaryPassword": password} if is_local else {"DesiredDeliveryMediums": ["EMAIL"]}),
            )
            tell(f"{email} is invited" + (f", with the temporary password {password}" if is_local else " by e-mail."))
        except cognito.exceptions.UsernameExistsException:
            tell(f"{email} has an account already.")
        if group is not None:
            cognito.admin_add_user_to_group(UserPoolId=pool, Username=email, GroupName=group)
            tell(f"{email} is in the group {group}; it counts from the next sign-in.")
    except ClientError as error:
        raise NotInvited(f"Cognito refuses: {error.response['Error']['Message']}") from error


def _check_group(cognito: Any, pool: str, group: str) -> None:
    pages = cognito.get_paginator("list_groups").paginate(UserPoolId=pool)
    names = [entry["GroupName"] for page in pages for entry in page["Groups"]]
    if group not in names:
        there_are = f"there are {', '.join(names)}" if names else "there are none"
        raise NotInvited(f"There is no group {group!r}; {there_are}. Groups are set by user_groups, and deployed.")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.users", description="Invite a person to sign in.")
    parser.add_argument("--email", required=True, help="the person's e-mail address, by which they sign in")
    parser.add_argument("--group", help="a group of user_groups to put the person into")
    add_deployment(parser)
    options = parser.parse_args(arguments)
    try:
        invite(chosen_deployment(options), options.email, options.group)
    except (DeploymentError, SignInError, NotInvited, BotoCoreError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
