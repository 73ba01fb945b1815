"""Each tool on the one road: the rows it writes, whom the change log names, what only the rows can refuse."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.audit.services import acting
from apps.conftest import Cast
from apps.crm.models import (
    Account,
    Activity,
    ChangeLog,
    Draft,
    Lead,
    Opportunity,
    Record,
    Stage,
    Task,
)
from apps.crm.tests.factories import (
    AccountFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
)
from apps.execution.exceptions import (
    ChangeNotPossibleError,
    ExecutionError,
    PermissionRefusedError,
    ReferenceRefusedError,
)
from apps.execution.models import Execution
from apps.execution.schemas import ApprovedChange, JsonValue
from apps.execution.services import apply_change
from apps.execution.tests.cases import VALID
from apps.execution.tests.factories import NOW, approved
from apps.users.models import User
from apps.users.tests.factories import UserFactory

Arguments = dict[str, JsonValue]
BODY = "Good morning,\n\nshall we talk on Monday?"


def apply(tool: str, arguments: Arguments, by: User, **changes: Any) -> Execution:
    change: ApprovedChange = approved(tool, arguments, by, **changes)
    with acting(change.actor):
        return apply_change(change, now=NOW)


def refused(error: type[ExecutionError], tool: str, arguments: Arguments, by: User) -> Any:
    """The error, after nothing was written."""
    records = (Account, Activity, Draft, Lead, Opportunity, Task)
    before = [list(model.objects.order_by("pk").values()) for model in records]
    with pytest.raises(error) as caught:
        apply(tool, arguments, by)
    assert [list(model.objects.order_by("pk").values()) for model in records] == before
    assert Execution.objects.count() == 0
    return caught.value


def assert_on_record(execution: Execution, record: Record, by: User, *fields: str) -> None:
    """The change log names the person, and the audit entry the fields."""
    change = ChangeLog.objects.of_record(record.kind, record.pk).first()
    assert change is not None
    assert (change.actor_id, change.origin) == (by.pk, "person")
    entry = AuditEntry.objects.get(event="execution.succeeded", execution_id=execution.pk)
    assert (entry.actor_id, entry.record_kind, entry.record_id) == (
        by.pk, record.kind.value, record.pk,
    )  # fmt: skip
    assert entry.details == {"tool": execution.tool, "fields": sorted(fields)}


def test_update_lead(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep, status="new", title="Buyer", notes="Old")
    execution = apply(
        "update_lead",
        {
            "lead_id": lead.pk,
            "status": "qualified",
            "estimated_value": "4514.5",
            "currency": "USD",
            "owner_id": cast.teammate.pk,
            "notes": "Wants a roof.",
        },
        cast.rep,
    )
    lead.refresh_from_db()
    assert (lead.status, lead.estimated_value, lead.currency, lead.owner, lead.notes) == (
        "qualified", Decimal("4514.50"), "USD", cast.teammate, "Wants a roof.",
    )  # fmt: skip
    assert (lead.title, lead.revision) == ("Buyer", 2)
    assert_on_record(
        execution, lead, cast.rep, "currency", "estimated_value", "notes", "owner_id", "status"
    )


def test_update_account(cast: Cast) -> None:
    account, parent = AccountFactory(owner=cast.rep), AccountFactory(owner=cast.teammate)
    execution = apply(
        "update_account",
        {
            "account_id": account.pk,
            "sector": "Retail",
            "employees": 120,
            "parent_id": parent.pk,
            "annual_revenue": 1000000,
            "currency": "EUR",
        },
        cast.rep,
    )
    account.refresh_from_db()
    assert (account.sector, account.employees, account.parent, account.annual_revenue) == (
        "Retail", 120, parent, Decimal("1000000.00"),
    )  # fmt: skip
    assert_on_record(
        execution,
        account,
        cast.rep,
        "annual_revenue",
        "currency",
        "employees",
        "parent_id",
        "sector",
    )


def test_update_opportunity(cast: Cast) -> None:
    deal = OpportunityFactory(owner=cast.rep)
    proposal, closes = Stage.objects.get(key="proposal"), timezone.localdate() + timedelta(days=30)
    execution = apply(
        "update_opportunity",
        {
            "opportunity_id": deal.pk,
            "stage_id": proposal.pk,
            "amount": "5000",
            "currency": "USD",
            "expected_close_on": closes.isoformat(),
            "next_step": "Send the offer",
        },
        cast.rep,
    )
    deal.refresh_from_db()
    assert (deal.stage, deal.outcome, deal.amount, deal.expected_close_on, deal.next_step) == (
        proposal, "open", Decimal("5000.00"), closes, "Send the offer",
    )  # fmt: skip
    assert deal.closed_on is None
    # The currency stayed what it was: named, because it was given.
    assert_on_record(
        execution,
        deal,
        cast.rep,
        "amount",
        "currency",
        "expected_close_on",
        "next_step",
        "stage_id",
    )


@pytest.mark.parametrize("kind", ["lead", "contact", "account", "opportunity"])
def test_create_task(cast: Cast, kind: str) -> None:
    makers: dict[str, Any] = {
        "lead": LeadFactory, "contact": ContactFactory, "account": AccountFactory,
        "opportunity": OpportunityFactory,
    }  # fmt: skip
    record = makers[kind](owner=cast.rep)
    execution = apply(
        "create_task",
        {
            "subject_kind": kind,
            "subject_id": record.pk,
            "title": "Send the price list",
            "due_on": "2026-03-09",
            "owner_id": cast.rep.pk,
        },
        cast.rep,
    )
    task = Task.objects.get()
    assert (task.title, task.due_on, task.priority, task.status, task.owner) == (
        "Send the price list", date(2026, 3, 9), 2, "open", cast.rep,
    )  # fmt: skip
    assert [name for name in makers if getattr(task, f"{name}_id") is not None] == [kind]
    assert getattr(task, kind) == record
    assert_on_record(
        execution, task, cast.rep, "title", "due_on", "priority", "owner_id", f"{kind}_id"
    )


def test_log_activity(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    execution = apply(
        "log_activity",
        {
            **VALID["log_activity"],
            "subject_id": lead.pk,
            "body": "Two\nlines.",
            "owner_id": cast.rep.pk,
        },
        cast.rep,
    )
    activity = Activity.objects.get()
    assert (activity.activity_kind, activity.direction, activity.subject, activity.body) == (
        "call", "outbound", "Asked about the roof", "Two\nlines.",
    )  # fmt: skip
    assert (activity.lead, activity.owner, activity.occurred_at) == (
        lead, cast.rep, datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
    )  # fmt: skip
    lead.refresh_from_db()
    assert lead.last_activity_at == activity.occurred_at
    assert_on_record(
        execution, activity, cast.rep,
        "activity_kind", "direction", "occurred_at", "subject", "body", "owner_id", "lead_id",
    )  # fmt: skip


def draft_to(person: Record, owner: User, **values: JsonValue) -> Arguments:
    return {
        **VALID["draft_email"],
        "subject_kind": person.kind.value,
        "subject_id": person.pk,
        "to_address": person.email,  # type: ignore[attr-defined]
        "owner_id": owner.pk,
        **values,
    }


@pytest.mark.parametrize("maker", [LeadFactory, ContactFactory])
def test_draft_email(cast: Cast, maker: Any) -> None:
    person, deal = maker(owner=cast.rep, email="ana@isdom.com"), OpportunityFactory(owner=cast.rep)
    execution = apply("draft_email", draft_to(person, cast.rep, opportunity_id=deal.pk), cast.rep)
    draft = Draft.objects.get()
    assert (draft.to_address, draft.subject, draft.body, draft.status, draft.sent_at) == (
        "ana@isdom.com", "The roof", BODY, "draft", None,
    )  # fmt: skip
    kind = person.kind.value
    assert (getattr(draft, kind), draft.opportunity, draft.owner) == (person, deal, cast.rep)
    # Nothing was sent, and nothing took place.
    assert Activity.objects.count() == 0
    assert_on_record(
        execution, draft, cast.rep,
        "to_address", "subject", "body", "owner_id", f"{kind}_id", "opportunity_id",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "asked", "words"),
    [
        ({"do_not_contact": True}, {}, "does not want to be contacted"),
        ({"email": ""}, {"to_address": "ana@isdom.com"}, "has no e-mail address on record"),
        ({}, {"to_address": "spy@evil.com"}, "spy@evil.com is not the address of"),
        ({"email_status": "bounced"}, {}, "has come back"),
    ],
)
def test_a_draft_needs_somebody_who_can_be_written_to(
    cast: Cast, values: dict[str, Any], asked: Arguments, words: str
) -> None:
    contact = ContactFactory(owner=cast.rep, **{"email": "ana@isdom.com", **values})
    error = refused(
        ChangeNotPossibleError, "draft_email", draft_to(contact, cast.rep, **asked), cast.rep
    )
    assert words in error.message


def owner_changes(cast: Cast, owner_id: int) -> dict[str, Arguments]:
    """A change by every tool that gives something to a person."""
    lead = LeadFactory(owner=cast.rep, email="ana@isdom.com")
    account, deal = AccountFactory(owner=cast.rep), OpportunityFactory(owner=cast.rep)
    return {
        "update_lead": {"lead_id": lead.pk, "owner_id": owner_id},
        "update_account": {"account_id": account.pk, "owner_id": owner_id},
        "update_opportunity": {"opportunity_id": deal.pk, "owner_id": owner_id},
        "create_task": {**VALID["create_task"], "subject_id": account.pk, "owner_id": owner_id},
        "create_followup": {
            **VALID["create_followup"], "subject_id": lead.pk, "about_id": lead.pk,
            "owner_id": owner_id,
        },
        "log_activity": {**VALID["log_activity"], "subject_id": lead.pk, "owner_id": owner_id},
        "draft_email": {**draft_to(lead, cast.rep), "owner_id": owner_id},
    }  # fmt: skip


TOOLS_WITH_OWNER = [
    "update_lead", "update_account", "update_opportunity", "create_task", "create_followup",
    "log_activity", "draft_email",
]  # fmt: skip


@pytest.mark.parametrize("tool", TOOLS_WITH_OWNER)
def test_who_has_left_or_is_not_there_gets_nothing(cast: Cast, tool: str) -> None:
    gone = UserFactory(team=cast.team, is_active=False)
    for owner_id in (gone.pk, cast.outsider.pk, 2**63 - 1):
        error = refused(ReferenceRefusedError, tool, owner_changes(cast, owner_id)[tool], cast.rep)
        assert (error.code, error.status, error.extras) == (
            "reference_refused", 422, {"field": "owner_id"},
        )  # fmt: skip


@pytest.mark.parametrize("tool", TOOLS_WITH_OWNER)
def test_a_manager_may_give_to_anybody_who_works_here(cast: Cast, tool: str) -> None:
    apply(tool, owner_changes(cast, cast.outsider.pk)[tool], cast.manager)
    assert Execution.objects.get().status == "succeeded"


@pytest.mark.parametrize("stage", ["won", "lost"])
def test_no_tool_closes_a_deal(cast: Cast, stage: str) -> None:
    deal = OpportunityFactory(owner=cast.rep)
    closing = Stage.objects.get(key=stage)
    arguments: Arguments = {"opportunity_id": deal.pk, "stage_id": closing.pk}
    error = refused(ReferenceRefusedError, "update_opportunity", arguments, cast.rep)
    assert error.message == (
        f"“{closing.label}” closes the deal: only a person does that, on its page."
    )
    OpportunityFactory._meta.model.objects.filter(pk=deal.pk).update(stage=closing)
    arguments = {"opportunity_id": deal.pk, "next_step": "Call again"}
    error = refused(ChangeNotPossibleError, "update_opportunity", arguments, cast.rep)
    assert error.message == "The deal is closed; it is changed on its page only."


def test_a_stage_must_be_there_and_a_close_date_ahead(cast: Cast) -> None:
    deal = OpportunityFactory(owner=cast.rep)
    unknown = Stage.objects.order_by("-pk").values_list("pk", flat=True)[0] + 1
    error = refused(
        ReferenceRefusedError,
        "update_opportunity",
        {"opportunity_id": deal.pk, "stage_id": unknown},
        cast.rep,
    )
    assert (error.message, error.extras) == ("There is no such stage.", {"field": "stage_id"})
    yesterday = timezone.localdate() - timedelta(days=1)
    refused(
        ChangeNotPossibleError,
        "update_opportunity",
        {"opportunity_id": deal.pk, "expected_close_on": yesterday.isoformat()},
        cast.rep,
    )


def test_what_lies_ahead_has_not_taken_place(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    tomorrow = timezone.now() + timedelta(days=1)
    arguments = {
        **VALID["log_activity"], "subject_id": lead.pk, "occurred_at": tomorrow.isoformat(),
    }  # fmt: skip
    error = refused(ChangeNotPossibleError, "log_activity", arguments, cast.rep)
    assert error.message == "This lies in the future: it has not taken place yet."


def test_accounts_form_no_ring(cast: Cast) -> None:
    top = AccountFactory(owner=cast.rep)
    middle = AccountFactory(owner=cast.rep, parent=top)
    below = AccountFactory(owner=cast.rep, parent=middle)
    for parent in (top, below):
        error = refused(
            ReferenceRefusedError,
            "update_account",
            {"account_id": top.pk, "parent_id": parent.pk},
            cast.rep,
        )
        assert error.message == "An account cannot belong to itself."
    Account.objects.filter(pk=top.pk).update(parent=below)
    other = AccountFactory(owner=cast.rep)
    error = refused(
        ReferenceRefusedError,
        "update_account",
        {"account_id": other.pk, "parent_id": top.pk},
        cast.rep,
    )
    assert error.message == "The accounts above this one form a ring."


def test_a_parent_that_one_may_not_see_or_that_is_not_there_is_refused(cast: Cast) -> None:
    account, hidden = AccountFactory(owner=cast.rep), AccountFactory(owner=cast.outsider)
    for parent_id in (hidden.pk, 2**63 - 1):
        refused(
            PermissionRefusedError,
            "update_account",
            {"account_id": account.pk, "parent_id": parent_id},
            cast.rep,
        )


def test_a_converted_lead_stays_as_it_is(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep, status="converted")
    refused(
        ChangeNotPossibleError, "update_lead", {"lead_id": lead.pk, "status": "working"}, cast.rep
    )


def test_an_id_of_another_kind_writes_nothing(cast: Cast) -> None:
    """A contact's id where a lead's should be: there is no such lead, whatever else has that id."""
    contact = ContactFactory(owner=cast.rep)
    Lead.objects.filter(pk=contact.pk).delete()
    lead = LeadFactory(owner=cast.rep)
    seen = approved("update_lead", {"lead_id": lead.pk, "title": "CEO"}, cast.rep).seen
    change = approved("update_lead", {"lead_id": contact.pk, "title": "CEO"}, cast.rep, seen=seen)
    with pytest.raises(PermissionRefusedError), acting(change.actor):
        apply_change(change, now=NOW)
    contact.refresh_from_db()
    assert (contact.title, Execution.objects.count()) == ("", 0)


def test_something_to_call_a_lead_by_is_left(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep, first_name="", last_name="Nameless", company="", email="")
    error = refused(
        ChangeNotPossibleError, "update_lead", {"lead_id": lead.pk, "last_name": ""}, cast.rep
    )
    assert error.message == "The lead would have no name and no address left."
    apply("update_lead", {"lead_id": lead.pk, "last_name": "", "company": "Acme"}, cast.rep)
