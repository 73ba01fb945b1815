"""The change log, the revision and the derived columns, as the database keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, transaction
from django.utils import timezone

from apps.audit.enums import Origin
from apps.audit.schemas import Actor
from apps.audit.services import acting
from apps.crm.models import Account, Activity, ChangeLog, Lead, Opportunity
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    StageFactory,
)
from apps.tenants.models import Tenant

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_a_change_names_fields_actor_and_origin(acme: Tenant) -> None:
    lead = LeadFactory(email="old@example.com")
    actor = Actor(person_id=None, name="A. Person", origin=Origin.API, request_id="req-12345678")
    with acting(actor):
        Lead.objects.filter(pk=lead.pk).update(email="new@example.com", phone="1")
    row = ChangeLog.objects.of_record("lead", lead.pk).first()
    assert row is not None
    assert row.operation == "changed"
    assert row.changes == {"email": ["old@example.com", "new@example.com"], "phone": ["", "1"]}
    assert (row.actor_name, row.origin, row.request_id, row.backfilled) == (
        "A. Person", "api", "req-12345678", False,
    )  # fmt: skip


def test_a_new_record_leaves_a_mark_without_values(acme: Tenant) -> None:
    lead = LeadFactory()
    (row,) = ChangeLog.objects.of_record("lead", lead.pk)
    assert (row.operation, row.changes) == ("created", {})


def test_an_update_that_changes_nothing_leaves_no_row_and_no_revision(acme: Tenant) -> None:
    lead = LeadFactory(email="same@example.com")
    Lead.objects.filter(pk=lead.pk).update(email="same@example.com")
    lead.refresh_from_db()
    assert lead.revision == 1
    assert ChangeLog.objects.of_record("lead", lead.pk).count() == 1


def test_only_person_owned_fields_raise_the_revision(acme: Tenant) -> None:
    lead = LeadFactory()
    Lead.objects.filter(pk=lead.pk).update(last_activity_at=MORNING)
    lead.refresh_from_db()
    assert lead.revision == 1
    Lead.objects.filter(pk=lead.pk).update(notes="called")
    lead.refresh_from_db()
    assert lead.revision == 2


def test_bulk_updates_log_each_changed_row_once(acme: Tenant) -> None:
    leads = LeadFactory.create_batch(3, status="new")
    Lead.objects.filter(pk__in=[lead.pk for lead in leads[:2]]).update(status="working")
    Lead.objects.all().update(status="working")
    counts = [ChangeLog.objects.of_record("lead", lead.pk).count() for lead in leads]
    assert counts == [2, 2, 2]


def test_the_change_log_cannot_be_written_by_hand(acme: Tenant) -> None:
    lead = LeadFactory()
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        ChangeLog.objects.of_record("lead", lead.pk).update(actor_name="somebody else")


def test_last_activity_follows_activities_but_not_edits_notes_or_the_future(acme: Tenant) -> None:
    lead = LeadFactory()
    ActivityFactory(lead=lead, occurred_at=MORNING)
    ActivityFactory(lead=lead, occurred_at=MORNING - timedelta(days=3))
    ActivityFactory(lead=lead, occurred_at=MORNING + timedelta(days=1), activity_kind="note")
    ActivityFactory(lead=lead, occurred_at=timezone.now() + timedelta(days=30))
    Lead.objects.filter(pk=lead.pk).update(notes="edited")
    lead.refresh_from_db()
    assert lead.last_activity_at == MORNING


def test_last_activity_falls_back_when_the_activity_goes(acme: Tenant) -> None:
    lead = LeadFactory()
    ActivityFactory(lead=lead, occurred_at=MORNING - timedelta(days=3))
    latest = ActivityFactory(lead=lead, occurred_at=MORNING)
    Activity.objects.filter(pk=latest.pk).delete()
    lead.refresh_from_db()
    assert lead.last_activity_at == MORNING - timedelta(days=3)


def test_last_activity_follows_an_activity_to_another_record(acme: Tenant) -> None:
    first, second = LeadFactory.create_batch(2)
    activity = ActivityFactory(lead=first, occurred_at=MORNING)
    Activity.objects.filter(pk=activity.pk).update(lead=second)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.last_activity_at, second.last_activity_at) == (None, MORNING)


def test_an_edit_of_an_activity_finds_last_activity_anew_only_when_it_moves(acme: Tenant) -> None:
    lead = LeadFactory()
    activity = ActivityFactory(lead=lead, occurred_at=MORNING)
    Lead.objects.filter(pk=lead.pk).update(last_activity_at=None)
    found = []
    for change in (
        {"subject": "Corrected"},
        {"lead": lead},
        {"occurred_at": MORNING + timedelta(hours=1)},
    ):
        Activity.objects.filter(pk=activity.pk).update(**change)
        lead.refresh_from_db()
        found.append(lead.last_activity_at)
    assert found == [None, None, MORNING + timedelta(hours=1)]


def test_an_activity_reaches_the_account_through_contact_and_deal(acme: Tenant) -> None:
    account, other = AccountFactory.create_batch(2)
    ActivityFactory(contact=ContactFactory(account=account), occurred_at=MORNING)
    ActivityFactory(
        opportunity=OpportunityFactory(account=other), occurred_at=MORNING - timedelta(days=1)
    )
    account.refresh_from_db()
    other.refresh_from_db()
    assert (account.last_activity_at, other.last_activity_at) == (
        MORNING,
        MORNING - timedelta(days=1),
    )


def test_it_reaches_every_account_that_it_hangs_on(acme: Tenant) -> None:
    own, contact_s, deal_s = AccountFactory.create_batch(3)
    activity = ActivityFactory(
        account=own,
        contact=ContactFactory(account=contact_s),
        opportunity=OpportunityFactory(account=deal_s),
        occurred_at=MORNING,
    )
    accounts = Account.objects.order_by("pk").values_list("last_activity_at", flat=True)
    assert list(accounts) == [MORNING] * 3
    earlier = MORNING - timedelta(days=2)
    Activity.objects.filter(pk=activity.pk).update(occurred_at=earlier)
    assert list(accounts.all()) == [earlier] * 3
    Activity.objects.all().delete()
    assert list(accounts.all()) == [None] * 3


@pytest.mark.parametrize("mover", [ContactFactory, OpportunityFactory])
def test_a_contact_or_deal_takes_its_activities_along_to_another_account(
    acme: Tenant, mover: Any
) -> None:
    former, present = AccountFactory.create_batch(2)
    moving = mover(account=former)
    about = {"contact" if mover is ContactFactory else "opportunity": moving}
    ActivityFactory(account=former, occurred_at=MORNING - timedelta(days=9))
    ActivityFactory(occurred_at=MORNING, **about)
    accounts = Account.objects.order_by("pk").values_list("last_activity_at", flat=True)
    assert list(accounts) == [MORNING, None]
    type(moving).objects.filter(pk=moving.pk).update(account=present)
    assert list(accounts.all()) == [MORNING - timedelta(days=9), MORNING]
    type(moving).objects.filter(pk=moving.pk).update(account=None)
    assert list(accounts.all()) == [MORNING - timedelta(days=9), None]


@pytest.mark.parametrize("mover", [ContactFactory, OpportunityFactory])
def test_the_activities_of_a_deleted_contact_or_deal_are_gone_for_the_account(
    acme: Tenant, mover: Any
) -> None:
    leaving = mover(account=AccountFactory())
    about = {"contact" if mover is ContactFactory else "opportunity": leaving}
    ActivityFactory(occurred_at=MORNING, **about)
    leaving.delete()
    assert Account.objects.get().last_activity_at is None


def test_a_deal_takes_its_outcome_from_the_stage_and_dates_the_move(acme: Tenant) -> None:
    deal = OpportunityFactory(stage_entered_at=MORNING)
    won = StageFactory(key="won")
    Opportunity.objects.filter(pk=deal.pk).update(stage=won)
    deal.refresh_from_db()
    assert deal.outcome == "won"
    assert deal.stage_entered_at > MORNING


def test_a_backfilled_move_keeps_its_own_date(acme: Tenant) -> None:
    deal = OpportunityFactory(stage_entered_at=MORNING)
    lost = StageFactory(key="lost")
    moved_at = MORNING + timedelta(days=5)
    with acting(Actor.for_system("generator"), backfilled=True):
        Opportunity.objects.filter(pk=deal.pk).update(stage=lost, stage_entered_at=moved_at)
    deal.refresh_from_db()
    assert (deal.outcome, deal.stage_entered_at) == ("lost", moved_at)
    row = ChangeLog.objects.of_record("opportunity", deal.pk).first()
    assert row is not None
    assert row.backfilled is True
