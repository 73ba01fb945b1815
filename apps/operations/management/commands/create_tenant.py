"""``manage.py create_tenant``: a company, its schema and host name, all or nothing."""

from __future__ import annotations

import sys
from getpass import getpass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from aisha.environment import read_text
from apps.audit.schemas import Actor
from apps.operations.provisioning import FirstAdministrator, create_tenant
from apps.tenants.exceptions import TenantExistsError

PASSWORD_VARIABLE = "AISHA_ADMIN_PASSWORD"  # noqa: S105 - a name, not a password


class Command(BaseCommand):
    """Creates a tenant."""

    help = (
        "Create a tenant with its schema and host name, and its first administrator if one is named."
        " All or nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the tenant. A password is no option: other users of the machine can read those."""
        parser.add_argument("schema", help="the schema's name, such as acme")
        parser.add_argument("--name", required=True, help="the company's name")
        parser.add_argument("--host", required=True, help="the host name, such as acme.example.com")
        parser.add_argument("--time-zone", default="UTC")
        parser.add_argument("--currency", default="USD")
        parser.add_argument(
            "--admin-username",
            help="make this person the first administrator; the password is taken from"
            f" {PASSWORD_VARIABLE}, else asked for, or read as one line from standard input when that"
            " is no terminal",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Create it, or say why not."""
        username = options["admin_username"]
        administrator = None
        if username is not None:
            administrator = FirstAdministrator(username, _read_password(username))
        try:
            tenant = create_tenant(
                schema=options["schema"],
                name=options["name"],
                host=options["host"],
                time_zone=options["time_zone"],
                currency=options["currency"],
                actor=Actor.for_system("create_tenant"),
                administrator=administrator,
            )
        except TenantExistsError as error:
            raise CommandError(error.message) from error
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(
            f"Created {tenant.name} at {options['host']} (schema {tenant.schema_name})."
        )
        if administrator is not None:
            self.stdout.write(f"{administrator.username} is its administrator.")


def _read_password(username: str) -> str:
    """The password from the environment, the terminal (twice) or the first line of standard input."""
    given = read_text(PASSWORD_VARIABLE, "")
    if given:
        return given
    if not sys.stdin.isatty():
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise CommandError(
                f"No password for {username}: set {PASSWORD_VARIABLE}, or give it as one line on"
                " standard input."
            )
        return line
    password = getpass(f"Password for {username}: ")
    if password != getpass("The same again: "):
        raise CommandError("The two passwords differ. Nothing was created.")
    return password
