"""Editing a suggestion before the decision, and accepting a part of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.models import Contact, Lead, Opportunity, Task
from apps.crm.tests.factories import AccountFactory, ContactFactory, LeadFactory, OpportunityFactory
from apps.execution.exceptions import InvalidArgumentsError, PermissionRefusedError, StaleError
from apps.execution.models import Execution
from apps.execution.schemas import JsonValue
from apps.suggestions.enums import State, Verdict
from apps.suggestions.exceptions import (
    AlreadyDecidedError,
    ChangedSinceSeenError,
    InvalidDecisionError,
    PartNotAllowedError,
    SuggestionNotFoundError,
)
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.services import approve, edit, rebase, reject
from apps.suggestions.tests.cases import NOW, scan, suggested
from apps.suggestions.tests.factories import SuggestionFactory

LATER = NOW + timedelta(minutes=5)


def events_of(suggestion: Suggestion) -> list[str]:
    return list(AuditEntry.objects.of_suggestion(suggestion.pk).values_list("event", flat=True))


def details_suggestion(cast: Cast) -> tuple[Contact, Suggestion]:
    """A suggestion to correct two details of a contact, each for itself."""
    contact = ContactFactory(owner=cast.rep, phone="1", title="Buyer")
    suggestion = SuggestionFactory(
        lead=LeadFactory(owner=cast.rep),
        assignee=cast.rep,
        tool="update_contact",
        record_kind="contact",
        record_id=contact.pk,
        record_label=str(contact),
        arguments={"contact_id": contact.pk, "phone": "2", "title": "Head"},
        before_values={f"contact:{contact.pk}": {"phone": "1", "title": "Buyer"}},
        guard_values={f"contact:{contact.pk}": {"do_not_contact": False}},
    )
    return contact, suggestion


@pytest.mark.parametrize(
    "back", [timedelta(), timedelta(hours=1)], ids=["at once", "clock set back"]
)
def test_what_was_seen_before_an_edit_is_not_approved_after_it(cast: Cast, back: timedelta) -> None:
    """Not even when both happen at one moment, or the clock was set back in between."""
    contact, suggestion = details_suggestion(cast)
    seen_at, moment = suggestion.refreshed_at, suggestion.refreshed_at - back
    wanted: dict[str, JsonValue] = {"contact_id": contact.pk, "phone": "3", "title": "Head"}
    edited = edit(suggestion_id=suggestion.pk, user=cast.rep, arguments=wanted, now=moment)
    assert edited.refreshed_at == seen_at + timedelta(microseconds=1)
    with pytest.raises(ChangedSinceSeenError):
        approve(suggestion_id=suggestion.pk, user=cast.teammate, now=moment, seen_at=seen_at)
    contact.refresh_from_db()
    assert contact.phone == "1"


def test_what_is_edited_outside_while_an_edit_reads_is_not_taken_for_seen(cast: Cast) -> None:
    _, suggestion = details_suggestion(cast)
    shown, wanted = suggestion.before_values, {**suggestion.arguments, "phone": "3"}
    reads = 0

    def edit_outside(execute: Any, sql: str, *rest: Any) -> Any:
        nonlocal reads
        # Only the values that are kept are read like this.
        if sql.startswith('SELECT "crm_contact"."id" AS "pk"'):
            reads += 1
            Contact.objects.update(phone="7")
        return execute(sql, *rest)

    with connection.execute_wrapper(edit_outside), pytest.raises(StaleError):
        edit(suggestion_id=suggestion.pk, user=cast.rep, arguments=wanted, now=LATER)
    suggestion.refresh_from_db()
    assert (suggestion.before_values, reads) == (shown, 1)


def test_both_versions_are_kept_and_the_edited_one_is_written(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    proposed = suggestion.arguments
    wanted = {**proposed, "title": "Call, do not write"}
    edited = edit(suggestion_id=suggestion.pk, user=cast.rep, arguments=wanted, now=LATER)
    assert (edited.state, edited.arguments, edited.proposed_arguments) == (
        State.PENDING, wanted, proposed,
    )  # fmt: skip
    assert (edited.edited_by, edited.edited_at, edited.refreshed_at) == (cast.rep, LATER, LATER)
    done = approve(suggestion_id=suggestion.pk, user=cast.rep, now=LATER, seen_at=LATER)
    assert (done.state, done.proposed_arguments) == (State.APPLIED, proposed)
    assert Task.objects.get().title == "Call, do not write"
    assert Execution.objects.get().arguments == wanted
    assert events_of(suggestion) == [
        "suggestion.created", "suggestion.edited", "suggestion.approved", "execution.succeeded",
    ]  # fmt: skip
    entry = AuditEntry.objects.get(event="suggestion.edited")
    assert (entry.actor_id, entry.details) == (cast.rep.pk, {"fields": ["title"]})
    verdicts = Decision.objects.order_by("pk").values_list("verdict", flat=True)
    assert list(verdicts) == [Verdict.EDIT, Verdict.APPROVE]


def test_who_looked_at_the_version_before_the_edit_does_not_approve_it(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    wanted = {**suggestion.arguments, "title": "Call instead"}
    edit(suggestion_id=suggestion.pk, user=cast.rep, arguments=wanted, now=LATER)
    with pytest.raises(ChangedSinceSeenError):
        approve(
            suggestion_id=suggestion.pk,
            user=cast.teammate,
            now=LATER,
            seen_at=suggestion.refreshed_at,
        )
    with pytest.raises(ChangedSinceSeenError):
        edit(
            suggestion_id=suggestion.pk,
            user=cast.teammate,
            arguments=wanted,
            now=LATER,
            seen_at=suggestion.refreshed_at,
        )


def test_edited_back_to_the_proposal_it_is_no_edit(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    proposed = suggestion.arguments
    edit(
        suggestion_id=suggestion.pk,
        user=cast.rep,
        arguments={**proposed, "title": "Call instead"},
        now=LATER,
    )
    again = edit(suggestion_id=suggestion.pk, user=cast.rep, arguments=proposed, now=LATER)
    assert (again.arguments, again.proposed_arguments, again.edited_by, again.edited_at) == (
        proposed, None, None, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{"due_on": "soon"}, {"title": ""}, {"surprise": 1}, {"subject_id": 0}, {"priority": "high"}],
)
def test_what_does_not_fit_the_tool_is_refused(cast: Cast, change: dict[str, object]) -> None:
    suggestion = suggested(cast.rep)
    with pytest.raises(InvalidArgumentsError):
        edit(
            suggestion_id=suggestion.pk,
            user=cast.rep,
            arguments={**suggestion.arguments, **change},  # type: ignore[dict-item]
            now=LATER,
        )
    suggestion.refresh_from_db()
    assert suggestion.edited_at is None


def test_the_record_stays_the_same(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    other = LeadFactory(owner=cast.rep)
    wanted = {**suggestion.arguments, "subject_id": other.pk, "about_id": other.pk}
    with pytest.raises(InvalidArgumentsError, match="stays the same"):
        edit(suggestion_id=suggestion.pk, user=cast.rep, arguments=wanted, now=LATER)


def test_nobody_edits_a_record_in_that_they_do_not_see(cast: Cast) -> None:
    account, hidden = AccountFactory(owner=cast.rep), AccountFactory(owner=cast.outsider)
    suggestion = SuggestionFactory(
        lead=LeadFactory(owner=cast.rep),
        assignee=cast.rep,
        tool="update_account",
        record_kind="account",
        record_id=account.pk,
        arguments={"account_id": account.pk, "phone": "2"},
        before_values={f"account:{account.pk}": {"phone": account.phone}},
        guard_values={},
    )
    wanted = {**suggestion.arguments, "parent_id": hidden.pk}
    with pytest.raises(PermissionRefusedError):
        edit(suggestion_id=suggestion.pk, user=cast.rep, arguments=wanted, now=LATER)
    assert events_of(suggestion) == ["permission.refused"]
    with pytest.raises(SuggestionNotFoundError):
        edit(
            suggestion_id=suggestion.pk,
            user=cast.outsider,
            arguments=suggestion.arguments,
            now=LATER,
        )


def test_a_changed_record_is_looked_at_before_it_is_edited(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    Lead.objects.update(status="qualified")
    with pytest.raises(StaleError):
        edit(
            suggestion_id=suggestion.pk,
            user=cast.rep,
            arguments={**suggestion.arguments, "title": "Call instead"},
            now=LATER,
        )


def test_what_is_decided_is_not_edited(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    reject(suggestion_id=suggestion.pk, user=cast.rep, reason="not_needed", now=NOW)
    with pytest.raises(AlreadyDecidedError):
        edit(
            suggestion_id=suggestion.pk,
            user=cast.rep,
            arguments=suggestion.arguments,
            now=LATER,
        )


def test_a_scan_and_a_rebase_leave_what_a_person_wrote(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    wanted = {**suggestion.arguments, "title": "Call instead"}
    edit(suggestion_id=suggestion.pk, user=cast.rep, arguments=wanted, now=LATER)
    Lead.objects.update(status="qualified", company="Another name")
    scan(timedelta(hours=1))
    suggestion.refresh_from_db()
    assert suggestion.arguments == wanted
    with pytest.raises(StaleError):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=LATER)
    rebased = rebase(suggestion_id=suggestion.pk, user=cast.rep, now=LATER)
    assert (rebased.arguments, rebased.edited_by) == (wanted, cast.rep)
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=LATER)
    assert Task.objects.get().title == "Call instead"


def test_given_to_somebody_else_it_goes_as_it_was_edited(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    wanted = {**suggestion.arguments, "title": "Call instead"}
    edit(suggestion_id=suggestion.pk, user=cast.rep, arguments=wanted, now=LATER)
    Lead.objects.update(owner=cast.teammate)
    scan(timedelta(hours=1))
    suggestion.refresh_from_db()
    assert (suggestion.assignee, suggestion.arguments, suggestion.edited_by) == (
        cast.teammate, wanted, cast.rep,
    )  # fmt: skip


def test_the_database_wants_both_versions(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    with pytest.raises(Exception, match="edited_suggestion_has_both_versions"):
        Suggestion.objects.filter(pk=suggestion.pk).update(edited_at=NOW)


def test_a_part_is_written_and_the_rest_left(cast: Cast) -> None:
    contact, suggestion = details_suggestion(cast)
    done = approve(suggestion_id=suggestion.pk, user=cast.rep, now=LATER, fields=["phone"])
    contact.refresh_from_db()
    assert (contact.phone, contact.title) == ("2", "Buyer")
    assert done.arguments == {"contact_id": contact.pk, "phone": "2"}
    assert done.proposed_arguments == suggestion.arguments
    assert (done.edited_by, done.edited_at) == (cast.rep, LATER)
    assert events_of(suggestion) == [
        "suggestion.edited", "suggestion.approved", "execution.succeeded",
    ]  # fmt: skip
    entry = AuditEntry.objects.get(event="suggestion.edited")
    assert entry.details == {"left_out": ["title"]}


def test_who_comes_second_with_another_part_is_told_who_was_first(cast: Cast) -> None:
    _, suggestion = details_suggestion(cast)
    seen_at = suggestion.refreshed_at
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=LATER, fields=["phone"])
    for fields in (["title"], ["phone", "title"], None):
        with pytest.raises(AlreadyDecidedError, match="already applied by Rita Rep"):
            approve(
                suggestion_id=suggestion.pk,
                user=cast.teammate,
                now=LATER,
                seen_at=seen_at,
                fields=fields,
            )
    assert events_of(suggestion)[2:] == ["execution.succeeded"]


def test_a_change_in_what_is_left_out_spoils_nothing(cast: Cast) -> None:
    contact, suggestion = details_suggestion(cast)
    Contact.objects.filter(pk=contact.pk).update(title="Chief")
    with pytest.raises(StaleError):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=LATER)
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=LATER, fields=["phone"])
    contact.refresh_from_db()
    assert (contact.phone, contact.title) == ("2", "Chief")


def test_a_part_that_is_refused_leaves_the_suggestion_whole(cast: Cast) -> None:
    contact, suggestion = details_suggestion(cast)
    Contact.objects.filter(pk=contact.pk).update(phone="3")
    with pytest.raises(StaleError):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=LATER, fields=["phone"])
    before = suggestion.arguments
    suggestion.refresh_from_db()
    assert (suggestion.arguments, suggestion.edited_at, suggestion.state) == (
        before, None, State.PENDING,
    )  # fmt: skip


def test_all_fields_are_no_part(cast: Cast) -> None:
    _, suggestion = details_suggestion(cast)
    done = approve(suggestion_id=suggestion.pk, user=cast.rep, now=LATER, fields=["title", "phone"])
    assert (done.state, done.edited_at) == (State.APPLIED, None)


@pytest.mark.parametrize("fields", [[], ["email"], ["contact_id"], ["phone", "nothing"]])
def test_fields_that_are_not_offered(cast: Cast, fields: list[str]) -> None:
    _, suggestion = details_suggestion(cast)
    with pytest.raises(InvalidDecisionError):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=LATER, fields=fields)
    assert Execution.objects.count() == 0


def test_a_new_record_is_taken_whole(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    with pytest.raises(PartNotAllowedError):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=LATER, fields=["title"])


def deal_suggestion(cast: Cast) -> tuple[Opportunity, Suggestion]:
    """A deal whose amount and next step would change, the currency being given as it stands."""
    deal = OpportunityFactory(owner=cast.rep, amount=900, currency="USD", next_step="")
    key = f"opportunity:{deal.pk}"
    suggestion = SuggestionFactory(
        lead=LeadFactory(owner=cast.rep),
        assignee=cast.rep,
        tool="update_opportunity",
        record_kind="opportunity",
        record_id=deal.pk,
        record_label=str(deal),
        arguments={
            "opportunity_id": deal.pk,
            "amount": "1000.00",
            "currency": "USD",
            "next_step": "Send the offer",
        },
        before_values={key: {"amount": "900.00", "currency": "USD", "next_step": ""}},
        guard_values={},
    )
    return deal, suggestion


def test_what_stands_already_is_no_choice(cast: Cast) -> None:
    deal, suggestion = deal_suggestion(cast)
    done = approve(
        suggestion_id=suggestion.pk, user=cast.rep, now=LATER, fields=["amount", "next_step"]
    )
    assert (done.state, done.edited_at) == (State.APPLIED, None)
    deal.refresh_from_db()
    assert (deal.amount, deal.currency, deal.next_step) == (Decimal(1000), "USD", "Send the offer")


def test_an_amount_is_accepted_with_the_currency_that_stands_already(cast: Cast) -> None:
    deal, suggestion = deal_suggestion(cast)
    done = approve(suggestion_id=suggestion.pk, user=cast.rep, now=LATER, fields=["amount"])
    deal.refresh_from_db()
    assert (deal.amount, deal.currency, deal.next_step) == (Decimal(1000), "USD", "")
    assert (done.edited_by, set(done.arguments)) == (
        cast.rep, {"opportunity_id", "amount", "currency"},
    )  # fmt: skip


def test_an_amount_is_left_out_with_the_currency_that_stands_already(cast: Cast) -> None:
    deal, suggestion = deal_suggestion(cast)
    Opportunity.objects.filter(pk=deal.pk).update(amount=950)
    done = approve(suggestion_id=suggestion.pk, user=cast.rep, now=LATER, fields=["next_step"])
    deal.refresh_from_db()
    assert (deal.amount, deal.currency, deal.next_step) == (Decimal(950), "USD", "Send the offer")
    assert done.arguments == {"opportunity_id": deal.pk, "next_step": "Send the offer"}
    entry = AuditEntry.objects.get(event="suggestion.edited")
    assert entry.details == {"left_out": ["amount"]}


def test_the_record_on_which_a_followup_hangs_stays_the_same_too(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    other = LeadFactory(owner=cast.rep)
    with pytest.raises(InvalidArgumentsError, match="stays the same"):
        edit(
            suggestion_id=suggestion.pk,
            user=cast.rep,
            arguments={**suggestion.arguments, "about_id": other.pk},
            now=LATER,
        )


def test_an_update_of_nothing_is_refused(cast: Cast) -> None:
    contact, suggestion = details_suggestion(cast)
    with pytest.raises(InvalidArgumentsError, match="nothing is left to change"):
        edit(
            suggestion_id=suggestion.pk,
            user=cast.rep,
            arguments={"contact_id": contact.pk},
            now=LATER,
        )
