"""What an undo finds in the record: later work on what was made, and the days in a deal's stage."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.models import Opportunity, Stage, Task
from apps.crm.tests.factories import LeadFactory, OpportunityFactory
from apps.execution.exceptions import LaterWorkError
from apps.execution.models import Execution
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.suggestions.services import approve, undo
from apps.suggestions.story import story_of
from apps.suggestions.tests.factories import SuggestionFactory
from apps.triggers.tests.asking import matching
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
ApiFor = Callable[[User], ApiClient]


def followed_up(cast: Cast) -> Suggestion:
    """An applied follow-up, whose task was given another title since."""
    suggestion = SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep))
    done = approve(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
    Task.objects.update(title="Call first")
    return done


def page(suggestion: Suggestion) -> str:
    return f"/suggestions/{suggestion.pk}/undo/"


def api(suggestion: Suggestion) -> str:
    return f"/api/v1/suggestions/{suggestion.pk}/undo/"


def test_the_page_names_the_later_work_and_asks(cast: Cast, client_for: ClientFor) -> None:
    suggestion = followed_up(cast)
    client = client_for(cast.rep)
    answer = client.get(page(suggestion))
    text = answer.content.decode()
    plan = answer.context["undo"].plan
    assert [(row.label, row.back_text, row.now_text) for row in plan.edited] == [
        ("Title", "Write to the lead", "Call first")
    ]
    assert "This task has been worked on since it was made" in text
    assert '<input type="hidden" name="despite" value="title">' in text
    # What was not on the page is not undone by it.
    Task.objects.update(priority=4)
    stopped = client.post(page(suggestion), {"despite": "title"}, follow=True)
    assert stopped.redirect_chain == [(page(suggestion), 302)]
    assert [str(message) for message in stopped.context["messages"]] == [
        "The task has been worked on since it was made (edited: Priority, Title),"
        " so it was left alone. Nothing was undone."
    ]
    suggestion.refresh_from_db()
    assert (suggestion.state, Task.objects.get().status) == (State.APPLIED, "open")
    client.post(page(suggestion), {"despite": ["priority", "title"]})
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.closed_because) == (
        State.UNDONE, "Left as it was edited since: priority, title.",
    )  # fmt: skip
    task = Task.objects.get()
    assert (task.status, task.title, task.priority) == ("cancelled", "Call first", 4)
    assert story_of(suggestion, cast.rep)[-1].notes == (
        "Left as it was edited since: Priority, Title",
    )


def test_a_task_that_is_done_offers_no_undo(cast: Cast, client_for: ClientFor) -> None:
    suggestion = followed_up(cast)
    Task.objects.update(status="done")
    answer = client_for(cast.rep).get(page(suggestion))
    assert answer.context["undo"].refusal == "What would be put back has been edited since: Status."
    assert b'name="despite"' not in answer.content


def test_the_api_tells_it_and_takes_the_names_back(cast: Cast, api_for: ApiFor) -> None:
    suggestion = followed_up(cast)
    client = api_for(cast.rep)
    refused = client.send("POST", api(suggestion), {})
    body = refused.json()
    assert (refused.status_code, body["code"], body["fields"], body["hanging"], body["despite"]) == (
        409, "later_work", ["title"], {}, ["title"],
    )  # fmt: skip
    done = client.send("POST", api(suggestion), {"despite": body["despite"]}).json()
    assert (done["state"], Task.objects.get().status) == (State.UNDONE, "cancelled")


def test_nothing_is_on_record_of_an_undo_that_was_left(cast: Cast) -> None:
    suggestion = followed_up(cast)
    with pytest.raises(LaterWorkError):
        undo(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
    assert Execution.objects.filter(undoes=suggestion.execution).count() == 0


def test_a_stalled_deal_is_stalled_again_after_the_undo_of_a_move(cast: Cast) -> None:
    now = timezone.now()
    deal = OpportunityFactory(
        owner=cast.rep,
        stage=Stage.objects.get(key="engaging"),
        stage_entered_at=now - timedelta(days=90),
    )
    assert matching("deal_stalled", now=now) == [deal.pk]
    key = f"opportunity:{deal.pk}"
    proposal = Stage.objects.get(key="proposal")
    suggestion = SuggestionFactory(
        lead=LeadFactory(owner=cast.rep),
        assignee=cast.rep,
        tool="update_opportunity",
        record_kind="opportunity",
        record_id=deal.pk,
        record_label=str(deal),
        arguments={"opportunity_id": deal.pk, "stage_id": proposal.pk},
        before_values={key: {"stage_id": deal.stage_id}},
        guard_values={key: {"stage_id": deal.stage_id, "owner_id": cast.rep.pk}},
    )
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=now)
    assert matching("deal_stalled", now=now) == []
    undo(suggestion_id=suggestion.pk, user=cast.rep, now=now)
    assert matching("deal_stalled", now=now) == [deal.pk]
    entered = Opportunity.objects.get(pk=deal.pk).stage_entered_at
    assert now - entered == timedelta(days=90)
