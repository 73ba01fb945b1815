"""Titles that tell a moment: in the zone of whoever reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.db.models import Model
from django.utils import timezone

from apps.assistant.models import Conversation
from apps.audit.models import AuditEntry
from apps.brain.models import BrainCall
from apps.realtime.models import Session, TokenRequest

MOMENT = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "row",
    [
        Conversation(began_at=MOMENT),
        AuditEntry(occurred_at=MOMENT),
        BrainCall(called_at=MOMENT),
        Session(issued_at=MOMENT),
        TokenRequest(asked_at=MOMENT),
    ],
    ids=lambda row: row._meta.label,
)
def test_a_title_tells_a_moment_in_the_readers_zone(row: Model) -> None:
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        assert "2026-03-04 18:00" in str(row)
