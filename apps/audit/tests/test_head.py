"""The head of the chain on the page, as a file and in the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.heads import HeadFile
from apps.audit.models import AuditEntry, AuditSeal
from apps.conftest import Cast
from apps.crm.tests.pages import words

HASH = "0123456789abcdef" * 4


@pytest.fixture
def head(cast: Cast) -> AuditSeal:
    """A last seal."""
    made: AuditSeal = AuditSeal.objects.create(
        number=7, format=1, cluster=1, after_entry=0, from_transaction=0, from_entry=0,
        to_transaction=9, to_entry=0, highest_entry=1, entry_ids=[1], entry_digests=b"1" * 32,
        sealed_at=timezone.now(), previous_hash="", hash=HASH,
    )  # fmt: skip
    return made


def test_a_manager_reads_and_downloads_the_head(
    cast: Cast, head: AuditSeal, client_for: Any
) -> None:
    client = client_for(cast.manager)
    page = client.get("/audit/")
    assert "seal 7, hash 0123456789ab" in words(page)
    answer = client.get("/audit/head.json")
    assert answer["Content-Disposition"].startswith('attachment; filename="audit-head-')
    (told,) = HeadFile.model_validate_json(answer.content).heads
    assert (told.tenant, told.number, told.hash, told.sealed_at) == (
        "acme", 7, HASH, head.sealed_at,
    )  # fmt: skip
    entry = AuditEntry.objects.get(event="export.made")
    assert (entry.actor_id, entry.details) == (
        cast.manager.pk, {"what": "audit_head", "format": "json"},
    )  # fmt: skip


def test_a_rep_neither_sees_nor_gets_it(cast: Cast, head: AuditSeal, client_for: Any) -> None:
    client = client_for(cast.rep)
    assert "Download the head" not in words(client.get("/audit/"))
    assert client.get("/audit/head.json").status_code == 403
    assert not AuditEntry.objects.filter(event="export.made").exists()


def test_before_the_first_seal_the_page_says_nothing(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.manager)
    assert "Download the head" not in words(client.get("/audit/"))
    assert json.loads(client.get("/audit/head.json").content)["heads"] == []


def test_the_head_in_the_api(cast: Cast, api_for: Any) -> None:
    path = "/api/v1/audit/head/"
    assert api_for(cast.manager).get(path).status_code == 404
    AuditSeal.objects.create(
        number=1, format=1, cluster=1, after_entry=0, from_transaction=0, from_entry=0,
        to_transaction=9, to_entry=0, highest_entry=1, entry_ids=[1], entry_digests=b"1" * 32,
        sealed_at="2026-11-25T12:00:00Z", previous_hash="", hash=HASH,
    )  # fmt: skip
    assert api_for(cast.manager).get(path).json() == {
        "tenant": "acme", "number": 1, "hash": HASH, "sealed_at": "2026-11-25T12:00:00Z",
    }  # fmt: skip
    assert api_for(cast.rep).get(path).status_code == 403
