"""Every tool applied and undone: the records as they were, and what was made closed; nothing is deleted."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.schemas import Actor
from apps.audit.services import acting
from apps.conftest import Cast
from apps.crm.changelog import model_of, record_models
from apps.crm.enums import RecordKind
from apps.crm.models import Account, Draft, Lead, Opportunity, Stage
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.execution.exceptions import (
    ChangeNotPossibleError,
    NotReversibleError,
    ReferenceRefusedError,
    UndoConflictError,
)
from apps.execution.models import Execution
from apps.execution.schemas import ApprovedUndo, JsonValue
from apps.execution.services import apply_change, plan_undo, undo_change
from apps.execution.tests.cases import VALID
from apps.execution.tests.factories import NOW, approved
from apps.execution.tools import registry
from apps.execution.tools.base import every_row_of
from apps.tenants.enums import Role
from apps.tenants.roles import RUN_TIME_LOGIN
from apps.tenants.tests.watching import watching_statements
from apps.users.models import User

Arguments = dict[str, JsonValue]
LATER = NOW + timedelta(days=2)
# What is written or locked.
TOUCHING = re.compile(
    r'(INSERT INTO|UPDATE|DELETE FROM) "?(?!OF\b)(?P<table>[a-z_]+)"?'
    r'|FROM "(?P<locked>\w+)"[^;]* FOR UPDATE'
)


def apply(tool: str, arguments: Arguments, by: User) -> Execution:
    change = approved(tool, arguments, by)
    with acting(change.actor):
        return apply_change(change, now=NOW)


def undo(execution: Execution, by: User) -> Execution:
    wish = ApprovedUndo(execution.pk, by, LATER, Actor.for_person(by), None)
    with acting(wish.actor):
        return undo_change(wish, now=LATER)


def changes_of(cast: Cast) -> dict[str, Arguments]:
    """A change by every tool, touching as much as it may."""
    lead = LeadFactory(owner=cast.rep, email="ana@isdom.com")
    account, parent = AccountFactory(owner=cast.rep), AccountFactory(owner=cast.rep)
    mail = ActivityFactory(owner=cast.rep, counterpart_address="bob@isdom.com")
    ActivityFactory(owner=cast.rep, counterpart_address="Bob@isdom.com")
    month_ahead = str(timezone.localdate() + timedelta(days=30))
    details: Arguments = {"title": "CEO", "phone": "2", "email": "ana@isdom.org"}
    money: Arguments = {"currency": "CHF", "owner_id": cast.teammate.pk, "notes": "New"}
    return {
        "create_followup": {**VALID["create_followup"], "subject_id": lead.pk, "about_id": lead.pk},
        "create_lead": {"activity_id": mail.pk, "email": "bob@isdom.com", "last_name": "Bob"},
        "create_task": {**VALID["create_task"], "subject_id": account.pk},
        "draft_email": {
            **VALID["draft_email"], "subject_id": lead.pk, "owner_id": cast.rep.pk,
        },
        "log_activity": {**VALID["log_activity"], "subject_id": lead.pk},
        "merge_duplicates": {
            "record_kind": "lead", "survivor_id": lead.pk, "duplicate_kind": "lead",
            "duplicate_id": LeadFactory(owner=cast.rep).pk, **details,
        },
        "update_account": {
            "account_id": account.pk, "name": "Isdom AG", "website": "isdom.ch", "phone": "2",
            "sector": "Retail", "location": "Bern", "employees": 12, "annual_revenue": "100",
            "parent_id": parent.pk, **money,
        },
        "update_contact": {
            "contact_id": ContactFactory(owner=cast.rep).pk, "email_status": "valid", **details,
        },
        "update_lead": {
            "lead_id": lead.pk, "status": "qualified", "first_name": "Ana", "last_name": "Lopez",
            "company": "Isdom AG", "estimated_value": "4514.50", **details, **money,
        },
        "update_opportunity": {
            "opportunity_id": OpportunityFactory(owner=cast.rep).pk, "amount": "4514.50",
            "stage_id": Stage.objects.get(key="proposal").pk, "expected_close_on": month_ahead,
            "next_step": "Send the offer", **money,
        },
        "update_task": {
            "task_id": TaskFactory(owner=cast.rep).pk, "due_on": "2026-03-09", "priority": 4,
            "status": "done",
        },
    }  # fmt: skip


def rows() -> dict[str, dict[int, dict[str, Any]]]:
    """What people own of every record, by kind and id."""
    return {
        model.kind.value: {
            row["id"]: row
            for row in every_row_of(model.kind).values("id", *model.tracked_fields).order_by("id")
        }
        for model in record_models()
    }


def test_the_changes_touch_all_that_the_tools_may(cast: Cast) -> None:
    changes = changes_of(cast)
    assert set(changes) == registry.keys()
    for tool in registry.all():
        if tool.partial:
            assert set(changes[tool.key]) == set(tool.arguments_type.model_fields)


@pytest.mark.parametrize("key", sorted(registry.keys()))
def test_undone_it_is_as_it_was_and_nothing_is_deleted(cast: Cast, key: str) -> None:
    arguments, tool = changes_of(cast)[key], registry.get(key)
    before = rows()
    execution = apply(key, arguments, cast.rep)
    assert rows() != before
    if not tool.is_reversible:
        with pytest.raises(NotReversibleError, match="What took place stays on record"):
            undo(execution, cast.rep)
        return
    undo(execution, cast.rep)
    after = rows()
    if tool.is_creation:
        (kind,) = tool.writes
        made = after[kind.value].pop(execution.record_id or 0)
        assert {name: made[name] for name in tool.undo_values} == dict(tool.undo_values)
    assert after == before


@pytest.mark.parametrize("key", sorted(registry.keys()))
def test_records_are_locked_and_written_in_the_role_for_it_and_the_rest_outside(
    cast: Cast, key: str
) -> None:
    arguments, tool = changes_of(cast)[key], registry.get(key)
    with watching_statements() as statements:
        execution = apply(key, arguments, cast.rep)
        if tool.is_reversible:
            undo(execution, cast.rep)
    touched: dict[str, set[str]] = defaultdict(set)
    for account, sql in statements.sent:
        touched[account].update(
            match["table"] or match["locked"] for match in TOUCHING.finditer(sql)
        )
    assert touched[RUN_TIME_LOGIN] == {
        "audit_auditentry", "execution_execution", "execution_policydecision",
    }  # fmt: skip
    records = {model._meta.db_table for model in record_models()}
    written = model_of(RecordKind(execution.record_kind))._meta.db_table
    assert {written} <= touched[Role.APPLY.value] <= records
    assert set(touched) == {RUN_TIME_LOGIN, Role.APPLY.value}


def test_an_amount_does_not_come_back_in_another_currency(cast: Cast) -> None:
    deal = OpportunityFactory(owner=cast.rep, amount="4821.00", currency="USD", next_step="Wait")
    arguments: Arguments = {
        "opportunity_id": deal.pk, "amount": "5000", "currency": "CHF", "next_step": "Call",
    }  # fmt: skip
    execution = apply("update_opportunity", arguments, cast.rep)
    Opportunity.objects.filter(pk=deal.pk).update(currency="EUR")
    done = undo(execution, cast.rep)
    deal.refresh_from_db()
    assert (str(deal.amount), deal.currency, deal.next_step) == ("5000.00", "EUR", "Wait")
    assert done.left_alone == ["amount", "currency"]


def test_a_sent_mail_is_not_discarded(cast: Cast) -> None:
    execution = apply("draft_email", changes_of(cast)["draft_email"], cast.rep)
    Draft.objects.update(status="sent")
    with pytest.raises(UndoConflictError):
        undo(execution, cast.rep)
    assert Draft.objects.get().status == "sent"


def test_a_deal_that_was_closed_since_stays_as_it_is(cast: Cast) -> None:
    deal = OpportunityFactory(owner=cast.rep, amount=900, currency="USD")
    change: Arguments = {"opportunity_id": deal.pk, "amount": "1000.00", "currency": "USD"}
    execution = apply("update_opportunity", change, cast.rep)
    Opportunity.objects.filter(pk=deal.pk).update(stage=Stage.objects.get(key="won"))
    with pytest.raises(ChangeNotPossibleError):
        undo(execution, cast.rep)
    deal.refresh_from_db()
    assert deal.amount == 1000


def test_a_lead_that_was_converted_since_stays_as_it_is(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep, phone="1")
    execution = apply("update_lead", {"lead_id": lead.pk, "phone": "2"}, cast.rep)
    Lead.objects.filter(pk=lead.pk).update(status="converted")
    with pytest.raises(ChangeNotPossibleError):
        undo(execution, cast.rep)


def test_nothing_is_given_back_to_who_has_left(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.teammate)
    execution = apply("update_lead", {"lead_id": lead.pk, "owner_id": cast.rep.pk}, cast.rep)
    User.objects.filter(pk=cast.teammate.pk).update(is_active=False)
    with pytest.raises(ReferenceRefusedError):
        undo(execution, cast.rep)
    lead.refresh_from_db()
    assert lead.owner == cast.rep


def test_the_rest_comes_back_where_the_former_owner_has_left(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.teammate, phone="1")
    change: Arguments = {"lead_id": lead.pk, "owner_id": cast.rep.pk, "phone": "2"}
    execution = apply("update_lead", change, cast.rep)
    User.objects.filter(pk=cast.teammate.pk).update(is_active=False)
    plan = plan_undo(execution, viewer=cast.rep, now=LATER)
    assert [row.label for row in plan.returning] == ["Phone"]
    (stays,) = plan.staying
    assert (stays.label, stays.because) == (
        "Owner", "This person has left, or is none to whom you may give records.",
    )  # fmt: skip
    undone = undo(execution, cast.rep)
    lead.refresh_from_db()
    assert (lead.owner, lead.phone) == (cast.rep, "1")
    assert undone.left_alone == ["owner_id"]


def test_an_undo_makes_no_ring_of_accounts(cast: Cast) -> None:
    above, below, other = AccountFactory.create_batch(3, owner=cast.rep)
    Account.objects.filter(pk=below.pk).update(parent=above)
    change: Arguments = {"account_id": below.pk, "parent_id": other.pk}
    execution = apply("update_account", change, cast.rep)
    Account.objects.filter(pk=above.pk).update(parent=below)
    with pytest.raises(ReferenceRefusedError):
        undo(execution, cast.rep)


def test_an_address_and_what_is_known_of_it_go_and_come_together(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep, email="old@isdom.com", email_status="bounced")
    change: Arguments = {"contact_id": contact.pk, "email": "new@isdom.com"}
    execution = apply("update_contact", change, cast.rep)
    contact.refresh_from_db()
    assert (contact.email, contact.email_status) == ("new@isdom.com", "unknown")
    undo(execution, cast.rep)
    contact.refresh_from_db()
    assert (contact.email, contact.email_status) == ("old@isdom.com", "bounced")


def test_a_corrected_address_takes_nobody_elses_messages(cast: Cast) -> None:
    own = ActivityFactory(owner=cast.rep, counterpart_address="ana@isdom.com")
    foreign = ActivityFactory(owner=cast.outsider, counterpart_address="ceo@other.com")
    apply("create_lead", {"activity_id": own.pk, "email": "ceo@other.com"}, cast.rep)
    own.refresh_from_db()
    foreign.refresh_from_db()
    assert own.lead is not None
    assert (own.lead.email, foreign.lead) == ("ceo@other.com", None)
