"""The story of a suggestion: everything that happened to it, in order, for whom it concerns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.conftest import Cast, TenantClient
from apps.crm.models import Contact
from apps.crm.tests.factories import ActivityFactory, ContactFactory, LeadFactory
from apps.crm.tests.pages import words
from apps.execution.enums import ExecutionStatus, Verdict
from apps.execution.models import Execution, PolicyDecision
from apps.suggestions.enums import RejectReason
from apps.suggestions.models import Suggestion, SuggestionSignal
from apps.suggestions.services import approve, edit, reject, reopen, snooze, undo
from apps.suggestions.shown import open_detail
from apps.suggestions.story import StoryItem, story_of
from apps.suggestions.tests.cases import NOW, scan, suggested
from apps.suggestions.tests.factories import SuggestionFactory
from apps.triggers.models import Signal
from apps.users.models import User

_ADD_ENTRIES = (
    "INSERT INTO audit_auditentry"
    " (event, actor_name, origin, request_id, record_kind, suggestion_id, details)"
)


def told(suggestion: Suggestion) -> list[StoryItem]:
    suggestion.refresh_from_db()
    assert suggestion.assignee is not None
    return list(story_of(suggestion, suggestion.assignee))


def phone_suggestion(cast: Cast) -> Suggestion:
    """A suggestion to correct a contact's phone number."""
    contact = ContactFactory(owner=cast.rep, phone="+1 555 0100")
    ActivityFactory(
        contact=contact,
        owner=cast.rep,
        occurred_at=NOW - timedelta(days=1),
        stated_details={"phone": "+1 555 0123"},
    )
    scan()
    return Suggestion.objects.get()


def test_from_the_signal_to_the_write(cast: Cast) -> None:
    suggestion = phone_suggestion(cast)
    open_detail(suggestion, cast.teammate)
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW, origin=Origin.API)
    story = told(suggestion)
    assert [(item.wording, item.who, item.origin) for item in story] == [
        ("Signal fired: Contact details out of date", "AiSHA", "trigger"),
        ("Brain called", "Built-in rules", "trigger"),
        ("Suggestion created", "AiSHA", "trigger"),
        ("Suggestion shown", "Tom Mate", "person"),
        ("Suggestion approved", "Rita Rep", "api"),
        ("Change applied", "Rita Rep", "api"),
    ]
    assert story[0].occurred_at == NOW
    assert [(c.label, c.before, c.after) for c in story[-1].changes] == [
        ("Phone", "+1 555 0100", "+1 555 0123")
    ]
    assert story == sorted(story, key=lambda item: item.occurred_at)


def test_what_nobody_of_ours_has_written_can_still_be_read(
    cast: Cast, client_for: Callable[[User], TenantClient]
) -> None:
    """Nothing leaves the log: one odd entry must not close a suggestion for ever."""
    suggestion = suggested(cast.rep)
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_ADD_ENTRIES} VALUES ('made.up', '', 'nowhere', '', '', %s, %s),"
            " ('suggestion.edited', '', 'api', '', '', %s, '{\"fields\": 1}'),"
            " ('suggestion.shown', '', 'api', '', '', %s, '{}')",
            [
                suggestion.pk,
                '{"verb": "sing", "reason": ["x"], "fields": 1,'
                ' "edition": "2026-13-01T00:00:00", "until": "2026-01-01T00:00:00"}',
                suggestion.pk,
                suggestion.pk,
            ],
        )
    items = {item.event: item for item in told(suggestion)}
    assert (items["made.up"].wording, items["made.up"].origin_label) == ("made.up", "nowhere")
    assert items["made.up"].notes[0] == "As it stood at 2026-13-01T00:00:00"
    client = client_for(cast.rep)
    for url in (suggestion.get_absolute_url(), f"{suggestion.get_absolute_url()}story/"):
        assert client.get(url).status_code == 200
    with (
        pytest.raises(IntegrityError, match="audit_details_are_an_object"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"{_ADD_ENTRIES} VALUES ('made.up', '', 'api', '', '', NULL, '[]')")


def test_what_the_trigger_saw_is_told_as_it_was_then(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep, created_at=NOW - timedelta(days=40))
    ActivityFactory(
        lead=lead, owner=cast.rep, occurred_at=NOW - timedelta(days=20), direction="outbound"
    )
    scan()
    suggestion = Suggestion.objects.get(goal="revive_lead")
    fired = told(suggestion)[0]
    (fact,) = [fact for fact in suggestion.facts if fact["label"] == "Noticed"]
    saw = fact["text"].partition(": ")[2]
    assert fired.notes == ((saw,) if saw else ())
    Signal.objects.update(facts={"last_activity_at": None, "secret": "x"})
    assert told(suggestion)[0].notes == fired.notes


def test_later_decisions_say_why_and_until_when(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    until = NOW + timedelta(days=3)
    snooze(suggestion_id=suggestion.pk, user=cast.rep, until=until, now=NOW)
    reopen(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    reject(
        suggestion_id=suggestion.pk, user=cast.rep, reason=RejectReason.BAD_TIMING, note="", now=NOW
    )
    reopen(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    reject(
        suggestion_id=suggestion.pk,
        user=cast.rep,
        reason=RejectReason.WRONG_CHANGE,
        note="Call in spring",
        now=NOW,
    )
    snoozed, reopened, rejected, _, rejected_again = told(suggestion)[-5:]
    assert rejected_again.notes == ("Right idea, wrong change", "Call in spring")
    local = timezone.localtime(until)
    assert snoozed.notes == (f"Until {local.strftime('%-d %b %Y, %H:%M')}",)
    assert (reopened.wording, reopened.notes) == ("Suggestion reopened", ())
    assert (rejected.wording, rejected.notes) == ("Suggestion rejected", ("Bad timing",))


def test_a_signal_that_cleared_is_told(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    cleared_at = timezone.now() + timedelta(hours=1)
    Signal.objects.update(cleared_at=cleared_at)
    last = told(suggestion)[-1]
    assert (last.wording, last.occurred_at) == ("Signal cleared: Lead gone quiet", cleared_at)


def test_an_edit_and_an_undo_are_told(cast: Cast) -> None:
    suggestion = phone_suggestion(cast)
    contact = Contact.objects.get()
    arguments = {**suggestion.arguments, "phone": "+1 555 0199"}
    edit(suggestion_id=suggestion.pk, user=cast.rep, arguments=arguments, now=NOW)
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    undo(suggestion_id=suggestion.pk, user=cast.manager, now=timezone.now())
    contact.refresh_from_db()
    assert contact.phone == "+1 555 0100"
    edited, approved, applied, undone = told(suggestion)[-4:]
    assert (edited.wording, edited.notes) == ("Suggestion edited", ("Edited: Phone",))
    assert approved.wording == "Suggestion approved"
    assert [(c.before, c.after) for c in applied.changes] == [("+1 555 0100", "+1 555 0199")]
    assert (undone.wording, undone.who, undone.notes) == (
        "Change undone", cast.manager.display_name, (),
    )  # fmt: skip
    assert [(c.before, c.after) for c in undone.changes] == [("+1 555 0199", "+1 555 0100")]


def execution_of(suggestion: Suggestion, user: User, **values: Any) -> Execution:
    """An attempt of which the log tells."""
    policy = PolicyDecision.objects.create(
        decided_at=NOW, tool=suggestion.tool, verdict=Verdict.PERSON_MUST_DECIDE, policy_version=1
    )
    made = Execution.objects.create(
        **{
            "tool": suggestion.tool, "arguments": {}, "record_kind": "lead",
            "record_id": suggestion.record_id, "status": ExecutionStatus.SUCCEEDED,
            "policy_decision": policy, "approved_by": user, "approved_at": NOW, "started_at": NOW,
            "finished_at": NOW, "idempotency_key": f"case:{policy.pk}", **values,
        }
    )  # fmt: skip
    event = {
        ExecutionStatus.FAILED: Event.EXECUTION_FAILED,
        ExecutionStatus.SUCCEEDED: Event.EXECUTION_SUCCEEDED,
    }[ExecutionStatus(made.status)]
    if made.idempotency_key.startswith("undo:"):
        event = Event.EXECUTION_UNDONE
    record_event(
        Actor.for_person(user),
        Entry(
            event, "lead", suggestion.record_id, suggestion.pk, made.pk,
            details={"tool": made.tool, "left_alone": ["title"] if "undo" in event else []},
        ),
    )  # fmt: skip
    return made


def test_failures_and_an_undo_are_told_with_what_they_wrote(cast: Cast) -> None:
    suggestion = SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep))
    key = f"lead:{suggestion.record_id}"
    execution_of(
        suggestion, cast.rep, status=ExecutionStatus.FAILED, error_code="gone",
        error_message="The record is gone.",
    )  # fmt: skip
    execution_of(
        suggestion, cast.rep, before_values={key: {"phone": "1", "owner_id": None}},
        after_values={"phone": "2", "owner_id": cast.teammate.pk},
    )  # fmt: skip
    execution_of(
        suggestion, cast.manager, idempotency_key="undo:1", before_values={key: {"phone": "2"}},
        after_values={"phone": "1"},
    )  # fmt: skip
    failed, applied, undone = told(suggestion)
    assert (failed.wording, failed.notes) == ("Change not applied", ("The record is gone.",))
    assert [(c.label, c.before, c.after) for c in applied.changes] == [
        ("Phone", "1", "2"), ("Owner", "—", "Tom Mate"),
    ]  # fmt: skip
    assert (undone.wording, undone.notes) == (
        "Change undone", ("Left as it was edited since: Title",),
    )  # fmt: skip
    assert [(c.label, c.before, c.after) for c in undone.changes] == [("Phone", "2", "1")]


def rich(cast: Cast, rows: int) -> Suggestion:
    """A suggestion to which everything happened ``rows`` times."""
    suggestion = SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep))
    key = f"lead:{suggestion.record_id}"
    for number in range(rows):
        signal = Signal.objects.create(
            trigger=f"trigger_{number}", goal=suggestion.goal, record_kind="lead",
            record_id=suggestion.record_id, severity=1, cleared_at=NOW,
        )  # fmt: skip
        SuggestionSignal.objects.create(suggestion=suggestion, signal=signal)
        open_detail(suggestion, [cast.rep, cast.teammate, cast.manager][number])
        execution_of(suggestion, cast.rep, status=ExecutionStatus.FAILED)
        execution_of(
            suggestion, cast.rep, before_values={key: {"phone": "1"}}, after_values={"phone": "2"}
        )
    return suggestion


@pytest.mark.parametrize("rows", [1, 3])
def test_the_number_of_queries_is_bounded(cast: Cast, client_for: Any, rows: int) -> None:
    suggestion = rich(cast, rows)
    client = client_for(cast.rep)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(f"/suggestions/{suggestion.pk}/story/")
    assert len(answer.context["story"]) == rows * 5
    assert len(queries) == 12, [query["sql"] for query in queries]


def test_the_page_leads_from_and_to_the_suggestion(cast: Cast, client_for: Any) -> None:
    suggestion = phone_suggestion(cast)
    client = client_for(cast.rep)
    address = f"/suggestions/{suggestion.pk}/story/"
    assert f'href="{address}"' in client.get(f"/suggestions/{suggestion.pk}/").content.decode()
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    answer = client.get(address)
    page = answer.content.decode()
    assert f'href="/suggestions/{suggestion.pk}/"' in page
    assert f"/audit/?suggestion={suggestion.pk}" not in page
    assert "Phone: +1 555 0100 → became +1 555 0123" in words(answer)
    manager = client_for(cast.manager).get(address).content.decode()
    assert f'href="/audit/?suggestion={suggestion.pk}"' in manager


def test_who_may_not_see_the_suggestion_gets_no_story(
    cast: Cast, client_for: Any, api_for: Any, anonymous_client: Any
) -> None:
    suggestion = suggested(cast.rep)
    path = f"{suggestion.pk}/story/"
    assert client_for(cast.outsider).get(f"/suggestions/{path}").status_code == 404
    assert api_for(cast.outsider).get(f"/api/v1/suggestions/{path}").status_code == 404
    assert anonymous_client.get(f"/suggestions/{path}").status_code == 302


def test_the_story_in_the_api(cast: Cast, api_for: Any) -> None:
    suggestion = phone_suggestion(cast)
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    rows = api_for(cast.rep).get(f"/api/v1/suggestions/{suggestion.pk}/story/").json()
    assert [row["event"] for row in rows] == [
        "signal.fired", "brain.called", "suggestion.created", "suggestion.approved",
        "execution.succeeded",
    ]  # fmt: skip
    last = rows[-1]
    assert (last["wording"], last["who"], last["origin"], last["changes"]) == (
        "Change applied", "Rita Rep", "person",
        [{"label": "Phone", "before": "+1 555 0100", "after": "+1 555 0123"}],
    )  # fmt: skip
