"""Two never write scores of one prediction at the same time."""

from __future__ import annotations

from threading import Event

import pytest
from django.utils import timezone

from apps.crm.tests.factories import ContactFactory
from apps.predictions.enums import Prediction
from apps.predictions.exceptions import ScoringBusyError
from apps.predictions.models import Score, ScoringCursor
from apps.predictions.services import scoring
from apps.predictions.services.changes import keep_cursor
from apps.predictions.services.scoring import score_all
from apps.predictions.services.work import score_changed
from apps.tenants.locks import holding
from apps.tenants.models import Tenant
from apps.tenants.tests.threads import PATIENCE_S, background
from apps.tenants.work.runs import tell_nobody


def test_who_finds_another_at_it_writes_nothing_and_comes_again(
    committed_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "_WAIT_MS", 1)
    contact = ContactFactory()
    keep_cursor(0)
    is_held, may_end = Event(), Event()

    def hold() -> None:
        with holding(f"scoring:{Prediction.CONTACT_ENGAGEMENT}"):
            is_held.set()
            may_end.wait(PATIENCE_S)

    with background(committed_tenant) as start:
        start(hold)
        assert is_held.wait(PATIENCE_S)
        with pytest.raises(ScoringBusyError):
            score_all(Prediction.CONTACT_ENGAGEMENT, now=timezone.now(), tell=tell_nobody)
        assert score_changed(timezone.now()) == 0
        assert (Score.objects.count(), ScoringCursor.objects.get().transaction_id) == (0, 0)
        may_end.set()
    assert score_changed(timezone.now()) == 1
    assert Score.objects.get().record_id == contact.pk
