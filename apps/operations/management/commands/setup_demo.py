"""``manage.py setup_demo``: the demo's tenants with data, first scan and suggestions."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.operations.demo.exceptions import DemoError
from apps.operations.demo.installing import install_demo
from apps.operations.demo.reporting import DemoReport
from apps.tenants.context import begin_request


class Command(BaseCommand):
    """Sets the demo up."""

    help = (
        "Make the demo's tenants acme and globex with data, scan and suggestions. A second run keeps "
        "the data and moves their dates along. Progress goes to standard error."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Say how to answer, and whether to begin anew."""
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--fresh",
            action="store_true",
            help="remove the demo's tenants first, with all their data",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Set up, and print what there is."""
        begin_request()
        try:
            report = install_demo(now=timezone.now(), say=self._say, fresh=options["fresh"])
        except DemoError as error:
            raise CommandError(error.message) from error
        self.stdout.write(json.dumps(report.as_json()) if options["json"] else _table(report))

    def _say(self, line: str) -> None:
        self.stderr.write(line)
        self.stderr.flush()


def _table(report: DemoReport) -> str:
    lines = []
    for schema, found in report.tenants.items():
        for title, counts in (
            ("records", found.records),
            ("signals", found.signals),
            ("suggestions", found.suggestions),
        ):
            described = ", ".join(f"{name} {count:,}" for name, count in counts.items())
            lines.append(f"{schema} {title}: {described or 'none'}")
    lines += [
        f"{login.role:8}  {login.url}  {login.username}  {login.password}"
        for login in report.logins
    ]
    return "\n".join(lines)
