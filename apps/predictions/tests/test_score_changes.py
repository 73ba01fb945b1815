"""What a change leads to: the records whose scores may be another afterwards."""

from __future__ import annotations

from datetime import date

import pytest

from apps.conftest import Cast
from apps.crm.models import Activity, Task
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    ContractFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.predictions.enums import Prediction
from apps.predictions.models import ScoringCursor
from apps.predictions.services import changes
from apps.predictions.services.changes import keep_cursor, read_changed

pytestmark = pytest.mark.django_db


def changed_since() -> dict[Prediction, tuple[int, ...]]:
    return dict(read_changed().by_prediction)


def look() -> None:
    """Begin a look here: what was written before belongs to the past."""
    keep_cursor(0)
    ScoringCursor.objects.update(transaction_id=0)


def test_at_the_first_look_nothing_has_changed(cast: Cast) -> None:
    LeadFactory()
    found = read_changed()
    assert (dict(found.by_prediction), found.is_too_much) == ({}, False)
    keep_cursor(found.next_cursor)
    assert ScoringCursor.objects.get().transaction_id == found.next_cursor


def test_changed_records_and_those_on_which_changed_rows_hang_are_scored(cast: Cast) -> None:
    account = AccountFactory()
    contact = ContactFactory(account=account)
    deal = OpportunityFactory(account=account, contact=contact)
    lead = LeadFactory()
    look()
    assert changed_since() == {
        Prediction.LEAD_CONVERSION: (lead.pk,),
        Prediction.DEAL_CLOSE: (deal.pk,),
        Prediction.CONTACT_ENGAGEMENT: (contact.pk,),
        Prediction.RENEWAL_RISK: (account.pk,),
    }


def test_an_activity_that_moves_concerns_its_old_place_and_its_new_one(cast: Cast) -> None:
    first, second = LeadFactory(), LeadFactory()
    activity = ActivityFactory(lead=first)
    Activity.objects.filter(pk=activity.pk).update(lead=second)
    task = TaskFactory(lead=None, opportunity=None)
    Task.objects.filter(pk=task.pk).delete()
    look()
    assert changed_since() == {Prediction.LEAD_CONVERSION: (first.pk, second.pk)}


def test_a_contract_concerns_its_account(cast: Cast) -> None:
    contract = ContractFactory(renews_on=date(2026, 6, 1))
    look()
    assert changed_since() == {Prediction.RENEWAL_RISK: (contract.account_id,)}


def test_after_a_mass_change_everything_is_scored(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    LeadFactory.create_batch(3)
    look()
    monkeypatch.setattr(changes, "MOST_CHANGES", 2)
    assert read_changed().is_too_much


def test_a_cursor_of_another_databases_future_begins_anew(cast: Cast) -> None:
    LeadFactory()
    keep_cursor(2**62)
    found = read_changed()
    assert (dict(found.by_prediction), found.is_too_much) == ({}, False)
