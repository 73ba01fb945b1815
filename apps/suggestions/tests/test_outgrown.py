"""A suggestion whose tool has grown since: refused as it stands, mended by a person, then applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.utils import timezone

from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.models import Task
from apps.crm.tests.factories import LeadFactory
from apps.execution.tests.test_outgrown import SAID, GrownTask
from apps.execution.tools import registry
from apps.suggestions.detail import OUTGROWN
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.suggestions.services import approve
from apps.suggestions.tests.factories import SuggestionFactory
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
ApiFor = Callable[[User], ApiClient]


class LaterTask(GrownTask):
    """Make a task, as a later version does it."""

    key = "later_task"


@pytest.fixture
def outgrown(cast: Cast) -> Iterator[Suggestion]:
    """A suggestion that was made before its tool asked for a description, and for shorter titles."""
    registry.register(LaterTask())
    lead = LeadFactory(owner=cast.rep)
    suggestion: Suggestion = SuggestionFactory(
        lead=lead,
        assignee=cast.rep,
        tool=LaterTask.key,
        arguments={
            "subject_kind": "lead",
            "subject_id": lead.pk,
            "title": "Send the price list",
            "due_on": timezone.localdate().isoformat(),
            "priority": 4,
            "owner_id": cast.rep.pk,
        },
        guard_values={f"lead:{lead.pk}": {"owner_id": cast.rep.pk}},
    )
    yield suggestion
    del registry._tools[LaterTask.key]


def test_it_is_refused_then_mended_on_its_page_and_applied(
    cast: Cast, outgrown: Suggestion, client_for: ClientFor
) -> None:
    client, address = client_for(cast.rep), f"/suggestions/{outgrown.pk}/"
    seen = {"seen_at": outgrown.refreshed_at.isoformat()}
    client.post(f"{address}approve/", seen)
    outgrown.refresh_from_db()
    assert (outgrown.state, Task.objects.count()) == (State.PENDING, 0)
    shown = client.get(address)
    assert (shown.context["refusal"], shown.context["can_decide"]) == (OUTGROWN, False)
    assert "Nothing is left to change" not in shown.content.decode()
    assert f'href="{address}edit/"' in shown.content.decode()

    opened = client.get(f"{address}edit/")
    form = opened.context["form"]
    assert form.non_field_errors() == [SAID, "“Priority” is no longer written, and left out."]
    assert {name: list(errors) for name, errors in form.errors.items() if name != "__all__"} == {
        "title": ["String should have at most 10 characters."],
        "description": ["Field required."],
    }
    assert 'value="Send the price list"' in opened.content.decode()

    begun = {"seen_at": opened.context["page"].seen_at, "started": opened.context["page"].token}
    typed = {"due_on": outgrown.arguments["due_on"], "owner_id": str(cast.rep.pk)}
    mended = {**begun, **typed, "title": "Prices", "description": "By mail"}
    assert client.post(f"{address}edit/", mended).status_code == 302
    outgrown.refresh_from_db()
    assert (outgrown.arguments["title"], "priority" in outgrown.arguments) == ("Prices", False)
    assert outgrown.proposed_arguments["priority"] == 4  # type: ignore[index]
    client.post(f"{address}approve/", {"seen_at": outgrown.refreshed_at.isoformat()})
    outgrown.refresh_from_db()
    task = Task.objects.get()
    assert (outgrown.state, task.title, task.description) == (State.APPLIED, "Prices", "By mail")


def test_what_was_applied_before_can_be_undone_on_its_page(
    cast: Cast, client_for: ClientFor
) -> None:
    suggestion = SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep))
    done = approve(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
    Suggestion.objects.update(arguments={**done.arguments, "urgency": "high"})
    client, address = client_for(cast.rep), f"/suggestions/{suggestion.pk}/"
    html = client.get(address).content.decode()
    assert "This can no longer be shown field by field" in html
    assert f'href="{address}undo/"' in html
    client.post(f"{address}undo/")
    assert Task.objects.get().status == "cancelled"


def test_by_the_api_it_has_a_code_of_its_own_and_an_edit_mends_it(
    cast: Cast, outgrown: Suggestion, api_for: ApiFor
) -> None:
    client, address = api_for(cast.rep), f"/api/v1/suggestions/{outgrown.pk}/"
    seen_at = outgrown.refreshed_at.isoformat()
    refused = client.send("POST", f"{address}approve/", {"seen_at": seen_at})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_arguments")
    stored = {name: value for name, value in outgrown.arguments.items() if name != "priority"}
    mended = {**stored, "title": "Prices", "description": "By mail"}
    other = {**mended, "subject_id": LeadFactory(owner=cast.rep).pk}
    for arguments, status in ((other, 422), (mended, 200)):
        answer = client.send(
            "POST", f"{address}edit/", {"seen_at": seen_at, "arguments": arguments}
        )
        assert answer.status_code == status
    edition = answer.json()["refreshed_at"]
    done = client.send("POST", f"{address}approve/", {"seen_at": edition})
    assert (done.status_code, done.json()["state"]) == (200, State.APPLIED)
    assert Task.objects.get().title == "Prices"
