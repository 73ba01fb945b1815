"""The walk of docs/api.md, from a token to an approved suggestion: its own commands, run by curl."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.conftest import TenantClient, make_cast
from apps.crm.models import Activity, Lead, Task
from apps.crm.tests.factories import LeadFactory
from apps.operations.tests.serving import environment_on_test_database, free_port, running
from apps.suggestions.models import Suggestion
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant

GUIDE = Path(settings.BASE_DIR) / "docs" / "api.md"
HEADING = "## From a token to an approved suggestion"
# The last of the walk's commands; what follows tells variants.
APPROVAL = "/approve/"
SCOPES = ["read", "records:write", "suggestions:decide", "scans:start"]
# More looks than a scan of one lead can take.
MOST_LOOKS = 2_000


def commands_of_the_walk() -> list[str]:
    """Every curl of the section up to the approval, with its continued lines."""
    section = GUIDE.read_text().partition(HEADING)[2].partition("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    commands = [
        command.strip()
        for block in blocks
        for command in re.findall(r"^curl .*?(?<!\\)$", block, re.DOTALL | re.MULTILINE)
    ]
    last = next(n for n, command in enumerate(commands) if APPROVAL in command)
    return commands[: last + 1]


@dataclass(slots=True)
class Walk:
    """A shell that knows the host and the token; ``places`` are the guide's ids and what they are here."""

    environment: dict[str, str]
    places: dict[str, str] = field(default_factory=dict)

    def run(self, command: str) -> tuple[str, Any]:
        """Run one command of the guide and return what curl printed before the JSON, and the JSON."""
        for there, here in self.places.items():
            command = re.sub(rf"(?<![\d.]){re.escape(there)}(?!\d)", here, command)
        done = subprocess.run(
            ["sh", "-euc", command],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        head, brace, rest = done.stdout.partition("{")
        return head, json.loads(brace + rest)


@pytest.fixture
def port(committed_tenant: Tenant) -> Iterator[int]:
    """The site and a worker, on rows that are committed."""
    there = free_port()
    commands = [
        ["uvicorn", "aisha.asgi:application", "--port", str(there)],
        ["celery", "-A", "aisha", "worker", "--pool", "solo", "--loglevel", "WARNING"],
    ]
    with running(commands, environment_on_test_database(), port=there):
        yield there


def make_token(client: TenantClient) -> str:
    """As on the profile page."""
    form = {"name": "Walk", "lifetime_days": 30, "scopes": SCOPES}
    key: str = client.post("/profile/tokens/", form).context["new_key"]
    return key


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_walk_leads_from_a_token_to_an_approved_suggestion(
    committed_tenant: Tenant, port: int, tmp_path: Path
) -> None:
    people = make_cast()
    long_ago = timezone.now() - timedelta(days=30)
    forgotten = LeadFactory(owner=people.rep, created_at=long_ago, last_name="Forgotten")
    client = TenantClient("race.localhost")
    client.force_login(people.rep)
    (tmp_path / ".curlrc").write_text(
        f'silent\nshow-error\nresolve = "race.localhost:{port}:127.0.0.1"\n'
    )
    walk = Walk(
        {
            "PATH": os.environ["PATH"],
            "CURL_HOME": str(tmp_path),
            "HOST": f"http://race.localhost:{port}/api/v1",
            "TOKEN": make_token(client),
        }
    )
    commands = iter(commands_of_the_walk())

    head, lead = walk.run(next(commands))
    assert "HTTP/1.1 201 Created" in head
    assert f"location: http://race.localhost:{port}/api/v1/leads/{lead['id']}/" in head
    walk.places["1599"] = str(lead["id"])

    _, changed = walk.run(next(commands))
    assert (changed["id"], changed["title"], changed["revision"]) == (lead["id"], "CFO", 2)

    _, call = walk.run(next(commands))
    assert (call["lead"], call["external_id"]) == (lead["id"], "call-77")

    _, scan = walk.run(next(commands))
    assert scan["status"] in {"queued", "running"}
    walk.places["scans/2/"] = f"scans/{scan['id']}/"
    look = next(commands)
    for _ in range(MOST_LOOKS):
        _, scan = walk.run(look)
        if scan["status"] not in {"queued", "running"}:
            break
    assert (scan["status"], scan["suggestions_created"] >= 1) == ("succeeded", True)

    _, listed = walk.run(next(commands))
    mine = next(
        row
        for row in listed["results"]
        if (row["record_kind"], row["record_id"]) == ("lead", forgotten.pk)
    )
    walk.places["119"] = str(mine["id"])

    _, shown = walk.run(next(commands))
    assert (shown["id"], shown["can_decide"], shown["changes_since"]) == (mine["id"], True, [])
    walk.places["2026-11-23T00:36:42.468023Z"] = shown["refreshed_at"]

    _, approved = walk.run(next(commands))
    assert (approved["state"], approved["reviewed_by"]) == ("applied", people.rep.pk)
    assert next(commands, None) is None

    connection.close()
    tenant_connection().set_tenant(committed_tenant)
    assert Lead.objects.get(external_id="1001").title == "CFO"
    assert Activity.objects.get(external_id="call-77").lead_id == lead["id"]
    assert Suggestion.objects.get(pk=mine["id"]).state == "applied"
    assert Task.objects.get().lead_id == forgotten.pk
