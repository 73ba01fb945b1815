"""The pages of bulk approval: choosing, what the chosen come to, the yes, what became of each."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.conftest import Cast, TenantClient
from apps.crm.models import Lead, Task
from apps.crm.tests.factories import ContactFactory, LeadFactory
from apps.execution.enums import Risk
from apps.suggestions.aggregate import FieldTotal, ValueCount
from apps.suggestions.bulk_pages import Confirmation
from apps.suggestions.cards import token_of
from apps.suggestions.enums import RejectReason
from apps.suggestions.models import BulkApproval, Suggestion
from apps.suggestions.services import reject, run_bulk
from apps.suggestions.tests.factories import SuggestionFactory, followup_arguments
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

BULK = "/suggestions/bulk/"
NOW = timezone.now()


def waiting(cast: Cast, **values: Any) -> Suggestion:
    lead = LeadFactory(owner=values.get("assignee", cast.rep))
    title = values.pop("task_title", "")
    if title:
        values["arguments"] = {**followup_arguments(lead), "title": title}
    suggestion: Suggestion = SuggestionFactory(lead=lead, **{"assignee": cast.rep, **values})
    return suggestion


def phone(cast: Cast, before: str, after: str) -> Suggestion:
    """A suggestion to correct a contact's phone number."""
    contact = ContactFactory(owner=cast.rep, phone=before)
    suggestion: Suggestion = SuggestionFactory(
        assignee=cast.rep,
        tool="update_contact",
        goal="fix_contact",
        record_kind="contact",
        record_id=contact.pk,
        record_label=str(contact),
        arguments={"contact_id": contact.pk, "phone": after},
        before_values={f"contact:{contact.pk}": {"phone": before}},
        guard_values={f"contact:{contact.pk}": {"do_not_contact": False}},
    )
    return suggestion


def confirmed(client: TenantClient, *suggestions: Suggestion) -> Confirmation:
    answer = client.post(f"{BULK}confirm/", {"items": [token_of(row) for row in suggestions]})
    assert answer.status_code == 200
    confirmation: Confirmation = answer.context["confirmation"]
    return confirmation


def said(client: TenantClient, path: str, fields: dict[str, Any]) -> list[str]:
    answer = client.post(path, fields, follow=True)
    return [str(message) for message in answer.context["messages"]]


def test_what_waits_is_listed_by_tool_each_on_one_line(cast: Cast, client_for: ClientFor) -> None:
    low, better = waiting(cast, task_title="Call Ana"), waiting(cast, rank=9.0)
    corrected = phone(cast, "+1 555 0100", "+1 555 0199")
    waiting(cast, risk=Risk.HIGH)
    waiting(cast, assignee=cast.outsider)
    waiting(cast, state="withdrawn")
    client = client_for(cast.rep)
    choice = client.get(BULK).context["choice"]
    assert [(tab.key, tab.count, tab.is_current) for tab in choice.tabs] == [
        ("create_followup", 2, True),
        ("update_contact", 1, False),
    ]
    assert [line.token for line in choice.lines] == [token_of(better), token_of(low)]
    assert choice.lines[1].change.startswith("Title: Call Ana; Due on: ")
    assert "Owner: Rita Rep; Lead: " in choice.lines[1].change
    other = client.get(BULK, {"tool": "update_contact"}).context["choice"]
    (line,) = other.lines
    assert (line.token, line.change) == (
        token_of(corrected), "Phone: +1 555 0100 → +1 555 0199",
    )  # fmt: skip


def test_nothing_to_choose_says_so(cast: Cast, client_for: ClientFor) -> None:
    answer = client_for(cast.rep).get(BULK, {"tool": "update_opportunity", "page": "7"})
    assert "Nothing to approve together" in answer.content.decode()


def test_the_confirmation_adds_up_what_would_change(cast: Cast, client_for: ClientFor) -> None:
    suggestions = [
        waiting(cast, task_title="Call them", value_at_stake=Decimal(1000)),
        waiting(cast, task_title="Call them", value_at_stake=Decimal(500), currency="EUR"),
        *(waiting(cast, task_title=f"Call {n}", value_at_stake=None) for n in range(1, 7)),
    ]
    confirmation = confirmed(client_for(cast.rep), *suggestions)
    total = confirmation.total
    assert total is not None
    assert (total.count, total.is_creation, total.record_kind) == (8, True, "Task")
    assert (total.stakes, total.unvalued) == (("500\xa0€", "1,000\xa0$"), 6)
    (title,) = [field for field in total.fields if field.label == "Title"]
    assert title == FieldTotal(
        label="Title",
        count=8,
        values=(
            ValueCount("Call them", 2),
            *(ValueCount(f"Call {n}", 1) for n in range(1, 5)),
        ),
        other_values=2,
        other_count=2,
    )
    (owner,) = [field for field in total.fields if field.label == "Owner"]
    assert owner.values == (ValueCount("Rita Rep", 8),)
    assert confirmation.tokens.split() == [token_of(row) for row in suggestions]
    assert Task.objects.count() == 0


def test_what_cannot_be_among_them_is_named_with_its_reason(
    cast: Cast, client_for: ClientFor
) -> None:
    fine, refreshed, rejected, high = (waiting(cast) for _ in range(4))
    hidden = waiting(cast, assignee=cast.outsider)
    tokens = [token_of(row) for row in (fine, refreshed, rejected, high, hidden)]
    Suggestion.objects.filter(pk=refreshed.pk).update(refreshed_at=timezone.now())
    Suggestion.objects.filter(pk=high.pk).update(risk=Risk.HIGH)
    reject(suggestion_id=rejected.pk, user=cast.rep, reason=RejectReason.NOT_NEEDED, now=NOW)
    answer = client_for(cast.rep).post(f"{BULK}confirm/", {"items": " ".join(tokens)})
    confirmation = answer.context["confirmation"]
    assert confirmation.tokens == token_of(fine)
    assert [(row.title, row.reason) for row in confirmation.left_out] == [
        (refreshed.title, "It was brought up to date after you had chosen it."),
        (rejected.title, "It is already rejected."),
        (high.title, "High risk is decided one by one, on its own page."),
    ]
    assert confirmation.gone == 1
    assert hidden.title not in answer.content.decode()


def test_all_of_a_tool_are_looked_at_without_ticking(cast: Cast, client_for: ClientFor) -> None:
    suggestions = [waiting(cast, rank=n) for n in (3.0, 2.0, 1.0)]
    phone(cast, "", "+1 555 0199")
    answer = client_for(cast.rep).post(
        f"{BULK}confirm/", {"tool": "create_followup", "all": "1", "items": "nonsense"}
    )
    tokens = answer.context["confirmation"].tokens
    assert tokens.split() == [token_of(row) for row in suggestions]


def test_yes_then_the_results_with_links_and_reasons_then_again(
    cast: Cast, client_for: ClientFor
) -> None:
    stale, fine = waiting(cast), waiting(cast)
    client = client_for(cast.rep)
    tokens = confirmed(client, stale, fine).tokens
    answer = client.post(f"{BULK}start/", {"items": tokens})
    bulk = BulkApproval.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"{BULK}{bulk.pk}/")
    running = client.get(answer["Location"]).content.decode()
    assert f'hx-get="{BULK}{bulk.pk}/"' in running
    assert "0 of 2 done" in running

    Lead.objects.filter(pk=stale.record_id).update(status="qualified")
    run_bulk(bulk_id=bulk.pk, now=NOW)
    page = client.get(answer["Location"])
    results = page.context["results"]
    assert (results.applied, results.failed, results.waiting) == (1, 1, 0)
    assert [(line.title, line.outcome, line.is_retriable) for line in results.lines] == [
        (stale.title, "failed", True),
        (fine.title, "applied", False),
    ]
    assert "Nothing was written." in results.lines[0].message
    assert results.retry_tokens == token_of(stale)
    text = page.content.decode()
    assert f'href="/suggestions/{stale.pk}/"' in text
    assert "Try the failed ones again" in text
    assert "hx-trigger" not in text.partition('id="bulk-')[2].partition("</section>")[0]

    Lead.objects.filter(pk=stale.record_id).update(
        status=stale.guard_values[f"lead:{stale.record_id}"]["status"]
    )
    client.post(f"{BULK}{bulk.pk}/retry/", {"items": results.retry_tokens})
    run_bulk(bulk_id=bulk.pk, now=NOW)
    again = client.get(answer["Location"]).context["results"]
    assert (again.applied, again.failed, again.retry_tokens) == (2, 0, "")


def test_htmx_gets_the_part_alone(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.rep)
    client.post(f"{BULK}start/", {"items": token_of(waiting(cast))})
    bulk = BulkApproval.objects.get()
    text = client.get(f"{BULK}{bulk.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert text.strip().startswith("<section")
    assert "<html" not in text


def test_refusals_say_why_and_make_nothing(cast: Cast, client_for: ClientFor) -> None:
    first, other = waiting(cast), phone(cast, "", "+1 555 0199")
    high = waiting(cast, risk=Risk.HIGH)
    client = client_for(cast.rep)
    size = "Choose 1 to 1,000 suggestions, each once."
    both = {"items": [token_of(first), token_of(other)]}
    tools = "Suggestions that are approved together make the same kind of change."
    for path in (f"{BULK}confirm/", f"{BULK}start/"):
        assert said(client, path, {}) == [size]
        assert said(client, path, {"items": " ".join([token_of(first)] * 1001)}) == [size]
        assert said(client, path, both) == [tools]
        for wrong in ("nonsense", "7@yesterday", "x@2026-01-01T00:00:00+00:00", "7@2026-01-01"):
            assert said(client, path, {"items": wrong}) == ["Choose one of the offered answers."]
    assert said(client, f"{BULK}start/", {"items": token_of(high)}) == [
        "High risk is decided one by one, on its own page."
    ]
    assert BulkApproval.objects.count() == 0


def test_results_are_for_who_asked_and_for_managers_who_do_not_retry(
    cast: Cast, client_for: ClientFor
) -> None:
    stale = waiting(cast)
    client_for(cast.rep).post(f"{BULK}start/", {"items": token_of(stale)})
    bulk = BulkApproval.objects.get()
    Lead.objects.filter(pk=stale.record_id).update(status="qualified")
    run_bulk(bulk_id=bulk.pk, now=NOW)
    for stranger in (cast.teammate, cast.outsider):
        assert client_for(stranger).get(f"{BULK}{bulk.pk}/").status_code == 404
        assert client_for(stranger).post(f"{BULK}{bulk.pk}/retry/").status_code == 404
    manager = client_for(cast.manager)
    results = manager.get(f"{BULK}{bulk.pk}/").context["results"]
    assert (results.failed, results.retry_tokens) == (1, "")
    assert said(manager, f"{BULK}{bulk.pk}/retry/", {"items": token_of(stale)}) == [
        "There is no such bulk approval here."
    ]


def test_what_was_given_to_others_since_is_no_longer_named(
    cast: Cast, client_for: ClientFor
) -> None:
    given = waiting(cast)
    client = client_for(cast.rep)
    client.post(f"{BULK}start/", {"items": token_of(given)})
    bulk = BulkApproval.objects.get()
    Lead.objects.filter(pk=given.record_id).update(owner=cast.outsider)
    run_bulk(bulk_id=bulk.pk, now=NOW)
    page = client.get(f"{BULK}{bulk.pk}/")
    (line,) = page.context["results"].lines
    assert (line.outcome, line.title, line.change) == ("failed", "", "")
    assert given.title not in page.content.decode()


def test_the_queries_do_not_grow_with_the_lines(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.rep)
    counts = []
    for more in (1, 2):
        suggestions = [waiting(cast) for _ in range(more)]
        suggestions = list(Suggestion.objects.order_by("id"))
        tokens = " ".join(token_of(row) for row in suggestions)
        bulk = BulkApproval.objects.create(
            tool="create_followup", requested_by=cast.rep, requested_at=NOW, origin="person"
        )
        for suggestion in suggestions:
            bulk.items.create(
                suggestion=suggestion, seen_at=NOW, outcome="failed", code="stale", done_at=NOW
            )
        asked: list[Callable[[], Any]] = [
            lambda: client.get(BULK),
            lambda tokens=tokens: client.post(f"{BULK}confirm/", {"items": tokens}),  # type: ignore[misc]
            lambda pk=bulk.pk: client.get(f"{BULK}{pk}/"),  # type: ignore[misc]
        ]
        counts.append([_queries_of(ask) for ask in asked])
    assert counts[0] == counts[1]


def _queries_of(ask: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert ask().status_code == 200
    return len(queries)
