"""The company's own fields in the review of a merge: on the page, in the API, in plain text, in the form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.enums import FieldType
from apps.crm.models import CustomField, Lead
from apps.crm.tests.factories import CustomFieldFactory, LeadFactory
from apps.duplicates.tests.pairs import make_pair
from apps.execution.models import Execution
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.suggestions.presentation import diff_of
from apps.suggestions.services import approve, edit, undo
from apps.suggestions.tests.cases import scan
from apps.suggestions.tests.merges import merge_suggestion
from apps.suggestions.tests.test_merge_pages import post
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
ApiFor = Callable[[User], ApiClient]


@pytest.fixture
def leads(cast: Cast) -> tuple[Lead, Lead]:
    """Two leads with fields of the company's own, of which they agree in one."""
    for position, (key, label, field_type, choices) in enumerate(
        (
            ("tier", "Tier", FieldType.CHOICE, ["gold", "silver"]),
            ("seats", "Seats", FieldType.NUMBER, []),
            ("since", "Customer since", FieldType.DATE, []),
            ("slogan", "Slogan", FieldType.TEXT, []),
        )
    ):
        CustomFieldFactory(
            key=key, label=label, field_type=field_type, choices=choices, position=position
        )
    same: dict[str, Any] = {
        "owner": cast.rep, "first_name": "Ana", "last_name": "Lopez", "company": "Isdom", "notes": "",
    }  # fmt: skip
    kept = LeadFactory(**same, attributes={"tier": "gold", "slogan": "More"})
    return kept, LeadFactory(
        **same,
        attributes={"tier": "silver", "seats": 1200, "since": "2020-02-29", "slogan": "More"},
    )


def test_they_stand_side_by_side(cast: Cast, leads: tuple[Lead, Lead]) -> None:
    suggestion = merge_suggestion(*leads, cast.rep)
    assert suggestion.arguments["attributes"] == {"seats": 1200, "since": "2020-02-29"}
    comparison = diff_of(suggestion, cast.rep).comparison
    assert comparison is not None
    assert [
        (row.field, row.label, row.kind.value, *(option.text for option in row.sides))
        for row in comparison.fields
        if row.field.startswith("attributes")
    ] == [
        ("attributes.tier", "Tier", "choice", "gold", "silver"),
        ("attributes.seats", "Seats", "number", "—", "1,200"),
        ("attributes.since", "Customer since", "date", "—", "29 Feb 2020"),
    ]
    text = diff_of(suggestion, cast.rep).as_text()
    assert "  Seats: — → 1,200" in text
    assert "  Kept: Tier: gold (not silver)" in text


def test_the_page_offers_each_and_writes_what_was_chosen(
    cast: Cast, leads: tuple[Lead, Lead], client_for: ClientFor
) -> None:
    suggestion, client = merge_suggestion(*leads, cast.rep), client_for(cast.rep)
    page = client.get(f"/suggestions/{suggestion.pk}/").content.decode()
    assert 'name="choice-attributes.tier" value="survivor" form="approve" checked>' in page
    assert 'name="choice-attributes.seats" value="duplicate" form="approve" checked>' in page
    choices = {"choice-attributes.tier": "duplicate", "choice-attributes.seats": "survivor"}
    post(client, suggestion, "choose", **choices)
    suggestion.refresh_from_db()
    assert suggestion.arguments["attributes"] == {"tier": "silver", "since": "2020-02-29"}
    post(client, suggestion, "approve")
    kept = Lead.objects.get()
    assert kept.attributes == {"tier": "silver", "slogan": "More", "since": "2020-02-29"}
    undo(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
    kept.refresh_from_db()
    assert kept.attributes == {"tier": "gold", "slogan": "More"}


def test_the_other_record_is_kept_with_its_own(
    cast: Cast, leads: tuple[Lead, Lead], client_for: ClientFor
) -> None:
    suggestion = merge_suggestion(*leads, cast.rep)
    post(client_for(cast.rep), suggestion, "choose", swap="on")
    suggestion.refresh_from_db()
    assert suggestion.arguments["survivor_id"] == leads[1].pk
    # It lacks nothing that the other has.
    assert "attributes" not in suggestion.arguments


@pytest.mark.parametrize("name", ["attributes.unheard_of", "attributes", "attributes."])
def test_what_is_no_field_is_not_chosen(
    cast: Cast, leads: tuple[Lead, Lead], client_for: ClientFor, name: str
) -> None:
    suggestion = merge_suggestion(*leads, cast.rep)
    before = suggestion.arguments
    post(client_for(cast.rep), suggestion, "choose", **{f"choice-{name}": "duplicate"})
    suggestion.refresh_from_db()
    assert suggestion.arguments == before


def test_the_api_tells_them_and_takes_an_edit(
    cast: Cast, leads: tuple[Lead, Lead], api_for: ApiFor
) -> None:
    suggestion = merge_suggestion(*leads, cast.rep)
    client, path = api_for(cast.rep), f"/api/v1/suggestions/{suggestion.pk}/"
    body = client.get(path).json()
    rows = {row["field"]: row for row in body["diff"]["comparison"]["fields"]}
    assert rows["attributes.tier"]["options"] == [
        {
            "choice": "survivor", "values": {"attributes": {"tier": "gold"}}, "text": "gold",
            "is_chosen": True, "is_offered": True,
        },
        {
            "choice": "duplicate", "values": {"attributes": {"tier": "silver"}}, "text": "silver",
            "is_chosen": False, "is_offered": True,
        },
    ]  # fmt: skip
    arguments = {**body["arguments"], "attributes": {"tier": "silver", "seats": 7}}
    edited = client.send(
        "POST", f"{path}edit/", {"seen_at": body["refreshed_at"], "arguments": arguments}
    ).json()
    rows = {row["field"]: row for row in edited["diff"]["comparison"]["fields"]}
    assert [option["text"] for option in rows["attributes.seats"]["options"]] == ["—", "1,200", "7"]
    assert {row["field"] for row in edited["diff"]["fields"]} == {
        "attributes.seats",
        "attributes.tier",
    }
    wrong = {**arguments, "attributes": {"tier": "bronze"}}
    refused = client.send(
        "POST", f"{path}edit/", {"seen_at": edited["refreshed_at"], "arguments": wrong}
    )
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (
        422, "reference_refused", "attributes.tier",
    )  # fmt: skip


def test_they_are_edited_in_the_form(
    cast: Cast, leads: tuple[Lead, Lead], client_for: ClientFor
) -> None:
    suggestion, client = merge_suggestion(*leads, cast.rep), client_for(cast.rep)
    path = f"/suggestions/{suggestion.pk}/edit/"
    context = client.get(path).context
    form = context["form"]
    assert [name for name in form.fields if name.startswith("attributes")] == [
        "attributes.seats",
        "attributes.since",
    ]
    typed = {"attributes.seats": "1,300", "attributes.since": "2021-03-01"}
    data = {"seen_at": suggestion.refreshed_at.isoformat(), "started": context["page"].token}
    client.post(path, {**data, **typed})
    suggestion.refresh_from_db()
    assert suggestion.arguments["attributes"] == {"seats": 1300, "since": "2021-03-01"}
    CustomField.objects.filter(key="seats").update(is_active=False)
    page = client.get(path).content.decode()
    assert "“Seats” is no longer written, and left out." in page
    assert 'name="attributes.seats"' not in page


def test_what_changed_meanwhile_is_shown_by_its_name(
    cast: Cast, leads: tuple[Lead, Lead], client_for: ClientFor
) -> None:
    suggestion = merge_suggestion(*leads, cast.rep)
    Lead.objects.filter(pk=leads[1].pk).update(attributes={"tier": "silver", "seats": 5})
    page = client_for(cast.rep).get(f"/suggestions/{suggestion.pk}/").content.decode()
    assert ("Customer since" in page, "1,200" in page) == (True, True)
    post(client_for(cast.rep), suggestion, "approve")
    assert not Execution.objects.filter(status="succeeded").exists()
    suggestion.refresh_from_db()
    assert suggestion.state == State.PENDING


def test_two_edits_at_once_are_told_field_by_field(
    cast: Cast, leads: tuple[Lead, Lead], client_for: ClientFor
) -> None:
    suggestion, client = merge_suggestion(*leads, cast.rep), client_for(cast.rep)
    path = f"/suggestions/{suggestion.pk}/edit/"
    context = client.get(path).context
    data = {"seen_at": suggestion.refreshed_at.isoformat(), "started": context["page"].token}
    edit(
        suggestion_id=suggestion.pk,
        user=cast.rep,
        arguments={**suggestion.arguments, "attributes": {"seats": 8, "since": "2020-02-29"}},
        now=timezone.now(),
    )
    answer = client.post(
        path, {**data, "attributes.seats": "1,200", "attributes.since": "2021-03-01"}
    )
    changes = answer.context["page"].meanwhile.changes
    assert [(change.label, change.before, change.theirs) for change in changes] == [
        ("Seats", "1,200", "8")
    ]


def test_what_the_pipeline_suggests_takes_them_and_says_so(
    cast: Cast, leads: tuple[Lead, Lead]
) -> None:
    make_pair(*leads)
    scan()
    suggestion = Suggestion.objects.get(tool="merge_duplicates")
    assert suggestion.arguments["attributes"] == {"seats": 1200, "since": "2020-02-29"}
    told = {fact["label"]: fact["text"] for fact in suggestion.facts}
    assert told["Seats"] == "1,200"
    assert (told["Tier"], told["Tier of the other"]) == ("gold", "silver")
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
    assert Lead.objects.get().attributes == {
        "tier": "gold", "slogan": "More", "seats": 1200, "since": "2020-02-29",
    }  # fmt: skip
