"""A merge as its reviewer sees it: two records side by side, a choice in each field."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.models import Account, Contact, Lead, Record, Task
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.execution.models import Execution
from apps.execution.tools.base import every_row_of
from apps.suggestions.cards import token_of
from apps.suggestions.enums import State
from apps.suggestions.models import BulkApproval, Suggestion
from apps.suggestions.presentation import diff_of
from apps.suggestions.services import approve, edit
from apps.suggestions.tests.factories import SuggestionFactory
from apps.suggestions.tests.merges import merge_suggestion
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
ApiFor = Callable[[User], ApiClient]


def two_leads(cast: Cast) -> tuple[Lead, Lead]:
    """Two leads of one person who agree in little."""
    kept = LeadFactory(
        owner=cast.rep, first_name="Ana", last_name="Lopez", company="Isdom", email="ana@isdom.com",
        phone="", notes="Met in Bern.", title="Buyer", currency="",
    )  # fmt: skip
    gone = LeadFactory(
        owner=cast.rep, first_name="Anna", last_name="Lopez", company="Isdom", email="no address",
        phone="2", notes="Wants a roof.", title="", estimated_value=Decimal("4514.50"), currency="EUR",
    )  # fmt: skip
    return kept, gone


def post(client: TenantClient, suggestion: Suggestion, move: str, **values: str) -> list[str]:
    """Send what the page would; return what is said."""
    data = {"seen_at": suggestion.refreshed_at.isoformat(), **values}
    answer = client.post(f"/suggestions/{suggestion.pk}/{move}/", data, follow=True)
    return [str(message) for message in answer.context["messages"]]


def row_of(record: Record) -> Record:
    found: Record = every_row_of(record.kind).get(pk=record.pk)
    return found


def test_a_proposal_takes_what_the_survivor_lacks_and_can_use(cast: Cast) -> None:
    kept, gone = two_leads(cast)
    suggestion = merge_suggestion(kept, gone, cast.rep)
    assert suggestion.arguments == {
        "record_kind": "lead", "survivor_id": kept.pk, "duplicate_kind": "lead", "duplicate_id": gone.pk,
        "estimated_value": "4514.50", "currency": "EUR", "notes": "Met in Bern.\n\nWants a roof.",
        "phone": "2",
    }  # fmt: skip
    assert merge_suggestion(gone, kept, cast.rep).arguments == {
        "record_kind": "lead", "survivor_id": gone.pk, "duplicate_kind": "lead", "duplicate_id": kept.pk,
        "notes": "Wants a roof.\n\nMet in Bern.", "title": "Buyer",
    }  # fmt: skip


def test_who_is_not_to_be_contacted_is_not_after_a_merge(cast: Cast) -> None:
    kept, gone = LeadFactory(owner=cast.rep), LeadFactory(owner=cast.rep, do_not_contact=True)
    assert merge_suggestion(kept, gone, cast.rep).arguments["do_not_contact"] is True
    assert "do_not_contact" not in merge_suggestion(gone, kept, cast.rep).arguments


def test_the_two_records_side_by_side(cast: Cast) -> None:
    kept, gone = two_leads(cast)
    comparison = diff_of(merge_suggestion(kept, gone, cast.rep), cast.rep).comparison
    assert comparison is not None
    assert (comparison.survivor_label, comparison.duplicate_label) == ("Ana Lopez", "Anna Lopez")
    assert {
        row.field: [
            ("*" if option.is_chosen else "") + option.text
            for option in (*row.sides, *row.more)
            if option.is_offered
        ]
        for row in comparison.fields
    } == {
        "first_name": ["*Ana", "Anna"],
        # What is no address cannot be taken, and neither can nothing.
        "title": ["*Buyer"],
        "email": ["*ana@isdom.com"],
        "phone": ["—", "*2"],
        "estimated_value": ["—", "*4,514.50\u00a0€"],
        "notes": ["Met in Bern.", "Wants a roof.", "*Met in Bern.\n\nWants a roof."],
    }


def test_what_moves_is_counted_before_and_told_after(cast: Cast) -> None:
    kept, gone = AccountFactory(owner=cast.rep, name="Isdom"), AccountFactory(owner=cast.rep)
    OpportunityFactory.create_batch(3, account=gone)
    ActivityFactory.create_batch(2, account=gone)
    suggestion = merge_suggestion(kept, gone, cast.rep)
    before = diff_of(suggestion, cast.rep)
    assert before.comparison is not None
    assert before.comparison.moved == ("2 activities, 3 deals move to “Isdom”.",)
    # One more came before the approval: it moves, too.
    OpportunityFactory(account=gone)
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
    suggestion.refresh_from_db()
    after = diff_of(suggestion, cast.rep)
    assert after.comparison is not None
    assert after.comparison.moved == ("2 activities, 4 deals were moved to “Isdom”.",)


def test_a_merge_in_plain_text(cast: Cast) -> None:
    kept, gone = two_leads(cast)
    TaskFactory(lead=gone)
    Lead.objects.filter(pk=gone.pk).update(notes="")
    suggestion = merge_suggestion(kept, gone, cast.rep)
    assert diff_of(suggestion, cast.rep).as_text().splitlines()[:6] == [
        "Ana Lopez",
        "  Currency: — → EUR",
        "  Estimated value: — → 4,514.50\u00a0€",
        "  Phone: — → 2",
        "  Merged into it: Anna Lopez",
        "  Kept: First name: Ana (not Anna)",
    ]
    diff = diff_of(suggestion, cast.rep)
    assert "  Also: 1 task moves to “Ana Lopez”." in diff.as_text()
    # Two of one name are told apart where they do not stand side by side.
    drawn = render_to_string("suggestions/_diff.html", {"diff": diff})
    names = f"<bdi>Anna Lopez</bdi> (lead {gone.pk}) is merged into <bdi>Ana Lopez</bdi> (lead {kept.pk})"
    assert names in drawn


def test_the_page_offers_a_choice_in_each_field(cast: Cast, client_for: ClientFor) -> None:
    kept, gone = two_leads(cast)
    suggestion = merge_suggestion(kept, gone, cast.rep)
    text = client_for(cast.rep).get(f"/suggestions/{suggestion.pk}/").content.decode()
    for field, choice, checked in (
        ("first_name", "survivor", " checked"),
        ("first_name", "duplicate", ""),
        ("phone", "duplicate", " checked"),
        ("notes", "both", " checked"),
    ):
        radio = f'name="choice-{field}" value="{choice}" form="approve"{checked}>'
        assert radio in text
    assert 'value="duplicate" form="approve"' in text
    assert 'name="choice-email" value="duplicate"' not in text
    assert (f'href="/leads/{kept.pk}/"' in text, f'href="/leads/{gone.pk}/"' in text) == (
        True,
        True,
    )


def test_a_choice_is_saved_as_an_edition_and_written_when_approved(
    cast: Cast, client_for: ClientFor
) -> None:
    kept, gone = two_leads(cast)
    suggestion = merge_suggestion(kept, gone, cast.rep)
    client, choices = (
        client_for(cast.rep),
        {"choice-first_name": "duplicate", "choice-phone": "survivor"},
    )
    said = post(client, suggestion, "choose", **choices)
    assert said == ["Saved. Look at the change as it is now, and decide."]
    edited = Suggestion.objects.get(pk=suggestion.pk)
    assert (edited.arguments.get("first_name"), "phone" in edited.arguments) == ("Anna", False)
    assert (edited.edited_by, edited.proposed_arguments) == (cast.rep, suggestion.arguments)
    assert edited.refreshed_at > suggestion.refreshed_at
    assert Execution.objects.count() == 0
    # Who had the former edition before them does not approve this one.
    assert post(client, suggestion, "approve") != []
    assert Execution.objects.count() == 0
    post(client, edited, "approve")
    kept.refresh_from_db()
    assert (kept.first_name, kept.phone, kept.currency) == ("Anna", "", "EUR")


def test_what_is_chosen_on_the_page_is_what_is_approved(cast: Cast, client_for: ClientFor) -> None:
    kept, gone = two_leads(cast)
    suggestion = merge_suggestion(kept, gone, cast.rep)
    post(client_for(cast.rep), suggestion, "approve", **{"choice-notes": "duplicate"})
    suggestion.refresh_from_db()
    kept.refresh_from_db()
    assert (suggestion.state, kept.notes, kept.phone) == (State.APPLIED, "Wants a roof.", "2")
    assert (suggestion.edited_by, suggestion.arguments["notes"]) == (cast.rep, "Wants a roof.")


def test_an_approval_that_changes_no_choice_is_no_edit(cast: Cast, client_for: ClientFor) -> None:
    kept, gone = two_leads(cast)
    suggestion = merge_suggestion(kept, gone, cast.rep)
    chosen = {"choice-phone": "duplicate", "choice-first_name": "survivor", "choice-notes": "both"}
    post(client_for(cast.rep), suggestion, "approve", **chosen)
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.edited_by) == (State.APPLIED, None)


def test_the_other_record_is_kept_instead(cast: Cast, client_for: ClientFor) -> None:
    kept, gone = two_leads(cast)
    task = TaskFactory(lead=kept)
    suggestion = merge_suggestion(kept, gone, cast.rep)
    client = client_for(cast.rep)
    post(client, suggestion, "choose", swap="on")
    swapped = Suggestion.objects.get(pk=suggestion.pk)
    assert (swapped.arguments["survivor_id"], swapped.arguments["duplicate_id"]) == (
        gone.pk,
        kept.pk,
    )
    diff = diff_of(swapped, cast.rep)
    assert (diff.record_label, diff.left_out) == ("Anna Lopez", ())
    post(client, swapped, "approve")
    task.refresh_from_db()
    merged = row_of(kept)
    assert isinstance(merged, Lead)
    assert (merged.merged_into_id, task.lead) == (gone.pk, gone)
    # Turned round twice it is what was proposed, and nobody's edit.
    other = merge_suggestion(LeadFactory(owner=cast.rep), LeadFactory(owner=cast.rep), cast.rep)
    post(client, other, "choose", swap="on")
    post(client, Suggestion.objects.get(pk=other.pk), "choose", swap="on")
    turned = Suggestion.objects.get(pk=other.pk)
    assert (turned.arguments, turned.edited_by) == (other.arguments, None)


def test_a_contact_is_kept_when_a_lead_is_the_duplicate(cast: Cast, client_for: ClientFor) -> None:
    suggestion = merge_suggestion(
        ContactFactory(owner=cast.rep), LeadFactory(owner=cast.rep), cast.rep
    )
    client = client_for(cast.rep)
    text = client.get(f"/suggestions/{suggestion.pk}/").content.decode()
    assert "Keep the other record instead" not in text
    (said,) = post(client, suggestion, "choose", swap="on")
    assert "records of these kinds are not merged like this" in said
    assert Suggestion.objects.get(pk=suggestion.pk).arguments == suggestion.arguments


@pytest.mark.parametrize("choices", [{}, {"choice-first_name": "mine"}, {"choice-pk": "survivor"}])
def test_a_choice_that_is_none_is_refused(
    cast: Cast, client_for: ClientFor, choices: dict[str, str]
) -> None:
    suggestion = merge_suggestion(*two_leads(cast), cast.rep)
    assert post(client_for(cast.rep), suggestion, "choose", **choices) != []
    assert Suggestion.objects.get(pk=suggestion.pk).refreshed_at == suggestion.refreshed_at


def test_what_has_no_two_records_has_nothing_to_choose(cast: Cast, client_for: ClientFor) -> None:
    suggestion = SuggestionFactory(lead=LeadFactory(owner=cast.rep), assignee=cast.rep)
    for move in ("choose", "approve"):
        assert post(client_for(cast.rep), suggestion, move, **{"choice-title": "survivor"}) != []
    assert Task.objects.count() == 0


def test_the_api_tells_the_same_and_takes_an_edit(cast: Cast, api_for: ApiFor) -> None:
    kept, gone = two_leads(cast)
    suggestion = merge_suggestion(kept, gone, cast.rep)
    client, path = api_for(cast.rep), f"/api/v1/suggestions/{suggestion.pk}/"
    body = client.get(path).json()
    comparison = body["diff"]["comparison"]
    assert comparison["survivor"] == {"record": f"lead:{kept.pk}", "label": "Ana Lopez"}
    phone = next(row for row in comparison["fields"] if row["field"] == "phone")
    assert phone["options"] == [
        {
            "choice": "survivor",
            "values": {"phone": ""},
            "text": "—",
            "is_chosen": False,
            "is_offered": True,
        },
        {
            "choice": "duplicate",
            "values": {"phone": "2"},
            "text": "2",
            "is_chosen": True,
            "is_offered": True,
        },
    ]
    amount = next(row for row in comparison["fields"] if row["field"] == "estimated_value")
    assert amount["options"][1]["values"] == {"estimated_value": "4514.50", "currency": "EUR"}
    assert body["takes_parts"] is False
    arguments = {**body["arguments"], "phone": "+1 555 0199"}
    edited = client.send(
        "POST", f"{path}edit/", {"seen_at": body["refreshed_at"], "arguments": arguments}
    ).json()
    rows = {row["field"]: row["options"] for row in edited["diff"]["comparison"]["fields"]}
    assert rows["phone"][2] == {
        "choice": "other", "values": {"phone": "+1 555 0199"}, "text": "+1 555 0199", "is_chosen": True,
        "is_offered": True,
    }  # fmt: skip
    swapped = {**arguments, "survivor_id": gone.pk, "duplicate_id": kept.pk}
    answer = client.send(
        "POST", f"{path}edit/", {"seen_at": edited["refreshed_at"], "arguments": swapped}
    )
    assert answer.json()["diff"]["comparison"]["survivor"]["record"] == f"lead:{gone.pk}"
    third = {**arguments, "duplicate_id": LeadFactory(owner=cast.rep).pk}
    answer = client.send(
        "POST",
        f"{path}edit/",
        {"seen_at": answer.json()["refreshed_at"], "arguments": third},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_arguments")


def test_a_merge_is_never_approved_in_bulk(
    cast: Cast, client_for: ClientFor, api_for: ApiFor
) -> None:
    suggestion = merge_suggestion(*two_leads(cast), cast.rep)
    edition = suggestion.refreshed_at.isoformat()
    answer = api_for(cast.rep).send(
        "POST",
        "/api/v1/bulk-approvals/",
        {"items": [{"suggestion": suggestion.pk, "seen_at": edition}]},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "high_risk")
    client = client_for(cast.rep)
    listed = client.get("/suggestions/bulk/?tool=merge_duplicates").content.decode()
    assert suggestion.title not in listed
    client.post("/suggestions/bulk/start/", {"items": [token_of(suggestion)]})
    assert (BulkApproval.objects.count(), Execution.objects.count(), Lead.objects.count()) == (
        0,
        0,
        2,
    )
    suggestion.refresh_from_db()
    assert suggestion.state == State.PENDING


def test_the_undo_page_says_what_comes_back(cast: Cast, client_for: ClientFor) -> None:
    kept, gone = ContactFactory(owner=cast.rep), ContactFactory(owner=cast.rep, last_name="Lopez")
    OpportunityFactory.create_batch(2, contact=gone)
    suggestion = merge_suggestion(kept, gone, cast.rep)
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
    client = client_for(cast.rep)
    text = client.get(f"/suggestions/{suggestion.pk}/undo/").content.decode()
    assert "“Casey Lopez” is a record of its own again." in text
    assert "2 deals go back to “Casey Lopez”." in text
    assert "Messages that were attached" not in text
    client.post(f"/suggestions/{suggestion.pk}/undo/")
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.closed_because) == (State.UNDONE, "")
    assert Contact.objects.filter(merged_at=None).count() == 2


def test_who_may_not_see_the_duplicate_sees_no_suggestion(
    cast: Cast, client_for: ClientFor
) -> None:
    suggestion = merge_suggestion(
        LeadFactory(owner=cast.rep), LeadFactory(owner=cast.outsider), cast.rep
    )
    assert client_for(cast.rep).get(f"/suggestions/{suggestion.pk}/").status_code == 404
    assert client_for(cast.manager).get(f"/suggestions/{suggestion.pk}/").status_code == 200


def test_nor_do_they_once_the_two_are_merged(cast: Cast, client_for: ClientFor) -> None:
    kept, gone = LeadFactory(owner=cast.rep), LeadFactory(owner=cast.outsider)
    suggestion = merge_suggestion(kept, gone, cast.rep)
    approve(suggestion_id=suggestion.pk, user=cast.manager, now=timezone.now())
    assert Lead.everything.get(pk=gone.pk).merged_into == kept
    assert client_for(cast.rep).get(f"/suggestions/{suggestion.pk}/").status_code == 404
    assert client_for(cast.manager).get(f"/suggestions/{suggestion.pk}/").status_code == 200


def test_an_edited_value_is_marked_and_survives_another_choice(
    cast: Cast, client_for: ClientFor
) -> None:
    kept, gone = two_leads(cast)
    suggestion = merge_suggestion(kept, gone, cast.rep)
    edited = edit(
        suggestion_id=suggestion.pk,
        user=cast.rep,
        arguments={**suggestion.arguments, "phone": "3"},
        now=timezone.now(),
    )
    choices = {"choice-phone": "other", "choice-first_name": "duplicate"}
    post(client_for(cast.rep), edited, "choose", **choices)
    found = Suggestion.objects.get(pk=suggestion.pk).arguments
    assert (found["phone"], found["first_name"]) == ("3", "Anna")


@pytest.mark.parametrize("is_below", [False, True])
def test_no_account_is_offered_to_belong_to_itself(
    is_below: bool, cast: Cast, client_for: ClientFor
) -> None:
    kept = AccountFactory(owner=cast.rep, name="Isdom Textiles")
    between = AccountFactory(owner=cast.rep, parent=kept)
    parent = between if is_below else kept
    gone = AccountFactory(owner=cast.rep, name="Isdom Services", parent=parent)
    suggestion = merge_suggestion(kept, gone, cast.rep)
    assert "parent_id" not in suggestion.arguments
    comparison = diff_of(suggestion, cast.rep).comparison
    assert comparison is not None
    rows = {row.field: row for row in comparison.fields}
    assert [option.is_offered for option in rows["parent_id"].sides] == [True, False]
    client = client_for(cast.rep)
    (said,) = post(client, suggestion, "choose", **{"choice-parent_id": "duplicate"})
    assert "An account cannot belong to itself." in said
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
    assert Account.everything.get(pk=gone.pk).merged_into == kept
    client.post(f"/suggestions/{suggestion.pk}/undo/")
    parents = dict(Account.objects.values_list("pk", "parent_id"))
    assert parents == {kept.pk: None, between.pk: kept.pk, gone.pk: parent.pk}
