"""What a person asks for becomes a suggestion in their queue, and goes the way of any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.brain.enums import Goal, Provider
from apps.conftest import Cast, TenantClient
from apps.crm.models import Account, Contact, Lead, Opportunity, Record, Task
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.execution.exceptions import NotReversibleError, StaleError
from apps.execution.tools import registry as tools
from apps.suggestions.enums import HeldBack, RejectReason, State
from apps.suggestions.exceptions import AnotherOpenError, WithdrawnError
from apps.suggestions.models import Suggestion
from apps.suggestions.services import (
    ASKABLE,
    approve,
    askable_tools,
    edit,
    get_for,
    reassign,
    rebase,
    reject,
    reopen,
    schema_of,
    snooze,
    undo,
)
from apps.suggestions.tests.asking import REASON, WORDS, about, answered_call, ask, tomorrow
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.triggers.models import Silence
from apps.users.models import User

NOW = timezone.now()
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Case:
    """One tool with what it would do to a record of the rep's, and how it is seen to be done and undone."""

    tool: str
    make: Callable[[User], Record]
    arguments: Callable[[Record], dict[str, Any]]
    words: str
    title: str
    is_written: Callable[[Record], bool]


def _lead(owner: User) -> Record:
    lead: Lead = LeadFactory(owner=owner, email="ada@acme.example", phone="", status="working")
    return lead


def _contact(owner: User) -> Record:
    contact: Contact = ContactFactory(owner=owner, email="kim@acme.example", phone="")
    return contact


def _deal(owner: User) -> Record:
    deal: Opportunity = OpportunityFactory(
        owner=owner, next_step="", notes="Call +41 44 123 45 67."
    )
    return deal


def _account(owner: User) -> Record:
    account: Account = AccountFactory(owner=owner, phone="")
    return account


def _task(owner: User) -> Record:
    task: Task = TaskFactory(owner=owner, due_on=None, lead=LeadFactory(owner=owner))
    return task


def _activity(record: Record) -> dict[str, Any]:
    return {
        "subject_kind": "lead",
        "subject_id": record.pk,
        "activity_kind": "call",
        "direction": "outbound",
        "occurred_at": (NOW - timedelta(hours=1)).isoformat(),
        "subject": "Talked about the offer",
    }


CASES = [
    Case(
        "create_followup", _lead,
        lambda lead: about(lead, about_kind="lead", about_id=lead.pk),
        WORDS, "Call them back",
        lambda lead: Task.objects.filter(lead_id=lead.pk, status="open").exists(),
    ),
    Case(
        "create_task", _deal, lambda deal: about(deal),
        WORDS, "Call them back",
        lambda deal: Task.objects.filter(opportunity_id=deal.pk, status="open").exists(),
    ),
    Case(
        "log_activity", _lead, _activity,
        "Log that I called them", "Log activity: Talked about the offer",
        lambda lead: lead.activities.exists(),  # type: ignore[attr-defined]
    ),
    Case(
        "draft_email", _lead,
        lambda lead: {
            "subject_kind": "lead", "subject_id": lead.pk, "to_address": "ada@acme.example",
            "subject": "Our offer", "body": "Dear Ada, here is our offer.",
        },
        "Write to Ada about the offer", "Draft e-mail: Our offer",
        lambda lead: lead.drafts.exclude(status="discarded").exists(),  # type: ignore[attr-defined]
    ),
    Case(
        "update_lead", _lead,
        lambda lead: {"lead_id": lead.pk, "status": "qualified", "phone": "+41 44 765 43 21"},
        "Ada is qualified, her phone is +41 44 765 43 21", "Update lead: Phone, Status",
        lambda lead: Lead.objects.get(pk=lead.pk).phone == "+41 44 765 43 21",
    ),
    Case(
        "update_contact", _contact,
        lambda contact: {"contact_id": contact.pk, "email": "kim.lee@acme.example"},
        "Kim's address is kim dot lee at acme dot example now", "Update contact: E-mail, E-mail status",
        lambda contact: Contact.objects.get(pk=contact.pk).email == "kim.lee@acme.example",
    ),
    Case(
        "update_account", _account,
        lambda account: {"account_id": account.pk, "website": "https://www.acme.example"},
        "Their website is acme.example", "Update account: Website",
        lambda account: Account.objects.get(pk=account.pk).website == "https://www.acme.example",
    ),
    Case(
        "update_opportunity", _deal,
        lambda deal: {
            "opportunity_id": deal.pk, "next_step": "Send the contract",
            "notes": "Call +41 44 123 45 67. They are in a hurry.",
        },
        "Note that they are in a hurry, next I send the contract", "Update deal: Next step, Notes",
        lambda deal: Opportunity.objects.get(pk=deal.pk).next_step == "Send the contract",
    ),
    Case(
        "update_task", _task,
        lambda task: {"task_id": task.pk, "due_on": tomorrow()},
        "Move it to tomorrow", "Update task: Due on",
        lambda task: Task.objects.get(pk=task.pk).due_on is not None,
    ),
]  # fmt: skip


def test_each_tool_that_may_be_asked_for_has_a_case() -> None:
    assert {case.tool for case in CASES} == set(ASKABLE)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.tool)
@pytest.mark.parametrize("origin", [Origin.TYPED, Origin.REALTIME])
def test_what_is_asked_for_is_proposed_approved_applied_and_undone(
    cast: Cast, case: Case, origin: Origin
) -> None:
    record = case.make(cast.rep)
    wanted = case.arguments(record)
    suggestion = ask(cast.rep, case.tool, wanted, words=case.words, origin=origin)
    assert (suggestion.title, suggestion.reason, suggestion.goal, suggestion.state) == (
        case.title, REASON, Goal.AS_ASKED, State.PENDING,
    )  # fmt: skip
    assert not case.is_written(record)
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
    assert case.is_written(record)
    if not tools.get(case.tool).is_reversible:
        with pytest.raises(NotReversibleError):
            undo(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
        return
    undo(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
    assert not case.is_written(record)
    assert not Silence.objects.exists()


def test_it_stands_in_the_queue_of_the_person_with_their_words_first(cast: Cast) -> None:
    lead = _lead(cast.teammate)
    suggestion = ask(cast.rep, "create_task", about(lead), origin=Origin.VOICE, now=NOW)
    suggestion.refresh_from_db()
    assert (suggestion.assignee, suggestion.origin, suggestion.provider) == (
        cast.rep, "voice", Provider.RULES,
    )  # fmt: skip
    assert (suggestion.held_back, suggestion.queued_at, suggestion.is_on_trial) == (
        HeldBack.NO, NOW, False,
    )  # fmt: skip
    assert (suggestion.confidence, suggestion.confidence_n, suggestion.trigger) == (None, 0, "")
    assert suggestion.facts[0] == {
        "number": 1, "label": "You asked", "text": WORDS, "occurred_at": NOW.isoformat(), "record": None,
    }  # fmt: skip
    assert {
        "number": 2,
        "label": "Status",
        "text": "Working",
        "occurred_at": None,
        "record": None,
    } in (suggestion.facts)
    assert suggestion.evidence[0] == {"text": "It was asked for in these words.", "facts": [1]}
    assert suggestion.evidence[1]["facts"][0] == 2
    # Whoever asks for something without saying for whom means themselves.
    assert suggestion.arguments["owner_id"] == cast.rep.pk
    (entry,) = AuditEntry.objects.of_suggestion(suggestion.pk)
    assert (entry.event, entry.actor_id, entry.origin) == (
        Event.SUGGESTION_CREATED, cast.rep.pk, "voice",
    )  # fmt: skip
    assert entry.details == {"goal": "as_asked", "tool": "create_task"}


def test_who_wrote_it_is_said(cast: Cast, acme: Tenant) -> None:
    lead = _lead(cast.rep)
    call = answered_call()
    typed = ask(cast.rep, "create_task", about(lead), brain_call=call)
    assert (typed.provider, typed.brain_call) == (Provider.OPENAI, call)
    spoken = ask(
        cast.rep, "create_followup", about(lead, about_kind="lead", about_id=lead.pk),
        origin=Origin.REALTIME,
    )  # fmt: skip
    assert (spoken.provider, spoken.brain_call) == (Provider.OPENAI, None)


def test_null_stands_for_what_is_not_given(cast: Cast) -> None:
    lead = _lead(cast.rep)
    wanted = {"lead_id": lead.pk, "status": "qualified", "phone": None, "estimated_value": None}
    suggestion = ask(cast.rep, "update_lead", wanted)
    assert suggestion.arguments == {"lead_id": lead.pk, "status": "qualified"}


# -- the same again --


def test_the_same_again_is_the_one_that_waits(cast: Cast) -> None:
    lead = _lead(cast.rep)
    first = ask(cast.rep, "create_task", about(lead))
    again = ask(cast.rep, "create_task", about(lead, owner_id=cast.rep.pk), words="Once more")
    assert again.pk == first.pk
    assert Suggestion.objects.get().facts[0]["text"] == WORDS


def test_the_same_again_is_the_one_that_the_person_edited_meanwhile(cast: Cast) -> None:
    lead = _lead(cast.rep)
    first = ask(cast.rep, "create_task", about(lead))
    changed = {**first.arguments, "title": "Write to them"}
    edit(suggestion_id=first.pk, user=cast.rep, arguments=changed, now=NOW)
    assert ask(cast.rep, "create_task", about(lead)).pk == first.pk
    assert Suggestion.objects.get().arguments["title"] == "Write to them"


def test_other_values_stand_in_the_place_of_what_waited(cast: Cast) -> None:
    lead = _lead(cast.rep)
    first = ask(cast.rep, "create_task", about(lead))
    second = ask(cast.rep, "create_task", about(lead, title="Write to them"))
    first.refresh_from_db()
    assert (first.state, first.closed_because) == (
        State.SUPERSEDED, "Rita Rep asked for it with other values.",
    )  # fmt: skip
    assert second.state == State.PENDING
    events = AuditEntry.objects.of_suggestion(first.pk).values_list("event", flat=True)
    assert list(events) == [Event.SUGGESTION_CREATED, Event.SUGGESTION_SUPERSEDED]


def test_what_was_put_away_is_asked_for_anew(cast: Cast) -> None:
    lead = _lead(cast.rep)
    first = ask(cast.rep, "create_task", about(lead))
    snooze(suggestion_id=first.pk, user=cast.rep, until=NOW + timedelta(days=3), now=NOW)
    second = ask(cast.rep, "create_task", about(lead))
    first.refresh_from_db()
    assert (first.state, second.state) == (State.SUPERSEDED, State.PENDING)


def test_two_wishes_for_a_record_and_two_people_do_not_stand_in_each_others_way(cast: Cast) -> None:
    lead = _lead(cast.rep)
    ask(cast.rep, "create_task", about(lead))
    ask(cast.rep, "update_lead", {"lead_id": lead.pk, "status": "qualified"})
    ask(cast.teammate, "create_task", about(lead))
    assert Suggestion.objects.filter(state=State.PENDING).count() == 3


def test_after_a_decision_it_may_be_asked_for_again(cast: Cast) -> None:
    lead = _lead(cast.rep)
    first = ask(cast.rep, "create_task", about(lead))
    reject(suggestion_id=first.pk, user=cast.rep, reason=RejectReason.BAD_TIMING, now=NOW)
    second = ask(cast.rep, "create_task", about(lead))
    assert second.pk != first.pk
    assert not Silence.objects.exists()
    with pytest.raises(AnotherOpenError):
        reopen(suggestion_id=first.pk, user=cast.rep, now=NOW)


def test_it_is_given_to_nobody_who_asked_for_the_same(cast: Cast) -> None:
    lead = _lead(cast.rep)
    theirs = ask(cast.teammate, "create_task", about(lead))
    own = ask(cast.rep, "create_task", about(lead))
    with pytest.raises(AnotherOpenError):
        reassign(suggestion_id=own.pk, user=cast.rep, to=cast.teammate, now=NOW)
    for suggestion in (own, theirs):
        reassign(suggestion_id=suggestion.pk, user=cast.rep, to=None, now=NOW)
    assert Suggestion.objects.filter(assignee=None, state=State.PENDING).count() == 2


# -- as any other --


def test_a_changed_record_stops_the_approval_until_it_is_brought_up_to_date(cast: Cast) -> None:
    lead = _lead(cast.rep)
    suggestion = ask(cast.rep, "update_lead", {"lead_id": lead.pk, "status": "qualified"})
    Lead.objects.filter(pk=lead.pk).update(status="new")
    with pytest.raises(StaleError):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    rebase(suggestion_id=suggestion.pk, user=cast.rep, now=NOW + MINUTE)
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW + MINUTE)
    assert Lead.objects.get(pk=lead.pk).status == "qualified"


def test_what_rests_on_a_record_that_is_hidden_since_is_withdrawn(cast: Cast) -> None:
    account = AccountFactory(owner=cast.rep)
    deal = OpportunityFactory(owner=cast.rep, account=account)
    suggestion = ask(cast.rep, "create_task", about(deal))
    Account.objects.filter(pk=account.pk).update(owner=cast.outsider)
    shown = get_for(cast.rep, suggestion.pk)
    assert (shown.is_concealed, shown.title) == (True, "As asked")
    with pytest.raises(WithdrawnError):
        rebase(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    assert Suggestion.objects.get().state == State.WITHDRAWN


def test_facts_of_records_that_the_person_may_not_see_are_left_out(cast: Cast) -> None:
    hidden = AccountFactory(owner=cast.outsider, name="Secret Ltd")
    call = ActivityFactory(owner=cast.rep, account=hidden, subject="Call", counterpart_address="")
    wanted = about(_lead(cast.rep), about_kind="lead")
    wanted["about_id"], wanted["subject_kind"] = wanted["subject_id"], "activity"
    wanted["subject_id"] = call.pk
    suggestion = ask(cast.rep, "create_followup", wanted)
    assert suggestion.record_label == "Call"
    assert "Secret" not in str(suggestion.facts)
    assert [fact["label"] for fact in suggestion.facts] == ["You asked", "Lead"]


def test_card_page_and_story_say_who_asked(
    cast: Cast, client_for: Callable[[User], TenantClient]
) -> None:
    suggestion = ask(cast.rep, "create_task", about(_lead(cast.rep)), words="Call <b>them</b>")
    page = client_for(cast.rep)
    queue = page.get("/suggestions/").content.decode()
    assert "You asked for this (typed)" in queue
    assert "“Call &lt;b&gt;them&lt;/b&gt;”" in queue
    own = page.get(suggestion.get_absolute_url()).content.decode()
    assert "You asked for this (typed): “Call &lt;b&gt;them&lt;/b&gt;”" in own
    other = client_for(cast.manager).get(suggestion.get_absolute_url()).content.decode()
    assert "Rita Rep asked for this (typed): “Call &lt;b&gt;them&lt;/b&gt;”" in other
    assert "You asked" not in other
    assert page.get(f"{suggestion.get_absolute_url()}story/").status_code == 200


# -- which tools --


def test_the_tools_are_those_that_the_role_includes(cast: Cast) -> None:
    assert [tool.key for tool in askable_tools(cast.rep)] == list(ASKABLE)
    cast.rep.groups.clear()
    assert askable_tools(User.objects.get(pk=cast.rep.pk)) == ()


def test_no_tools_where_the_module_is_off(cast: Cast, acme: Tenant) -> None:
    ModuleGate.objects.filter(tenant=acme, module=Module.SUGGESTIONS).update(is_on=False)
    assert askable_tools(cast.rep) == ()


@pytest.mark.parametrize("key", ASKABLE)
def test_schemas_are_strict(key: str) -> None:
    schema = schema_of(tools.get(key))
    assert schema["additionalProperties"] is False
    assert schema["required"] == list(schema["properties"])
