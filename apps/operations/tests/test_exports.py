"""A file of everything is never sent where a part was asked for: it would be taken for that part."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast, TenantClient
from apps.users.models import User


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("accounts", "owner"), ("activities", "kind"), ("audit", "event"), ("brain/calls", "outcome"),
        ("contacts", "owner"), ("deals", "stage"), ("digest/sent", "status"), ("duplicates", "kind"),
        ("duplicates/groups", "kind"), ("leads", "status"), ("predictions/runs", "kind"),
        ("predictions/scores", "at_least"), ("scans", "status"), ("tasks", "status"),
        ("webhooks/deliveries", "state"),
    ],
)  # fmt: skip
def test_no_file_by_a_filter_that_cannot_be_read(
    cast: Cast, client_for: Callable[[User], TenantClient], path: str, name: str
) -> None:
    client = client_for(cast.admin)
    answer = client.get(f"/{path}/export.csv", {name: "nonsense"})
    assert answer.status_code == 400
    assert "This could not be understood" in answer.content.decode()
    assert not AuditEntry.objects.filter(event=Event.EXPORTED).exists()
    assert client.get(f"/{path}/export.csv", {name: ""}).status_code == 200
