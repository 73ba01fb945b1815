"""The company's own fields in a merge: chosen one by one, held against their definitions, guarded, undone."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.enums import FieldType
from apps.crm.models import ChangeLog, Contact, CustomField, Lead
from apps.crm.tests.factories import ContactFactory, CustomFieldFactory, LeadFactory
from apps.execution.diff import build_diff
from apps.execution.exceptions import InvalidArgumentsError, ReferenceRefusedError, StaleError
from apps.execution.merge_choices import propose
from apps.execution.reading import read_seen
from apps.execution.schemas import JsonValue, RecordRef
from apps.execution.services import apply_change, find_moved, plan_undo
from apps.execution.tests.factories import approved
from apps.execution.tests.merges import LATER, arguments_of, merge, undo
from apps.execution.tools import registry
from apps.execution.tools.merge_arguments import naming
from apps.execution.written import left_in_words, written_by
from apps.tenants.models import Tenant

TOOL = registry.get("merge_duplicates")


@pytest.fixture
def own_fields(acme: Tenant) -> None:
    """What a company may ask of leads, one field of each type, and one that it no longer asks."""
    for key, field_type, choices in (
        ("tier", FieldType.CHOICE, ["gold", "silver"]),
        ("seats", FieldType.NUMBER, []),
        ("since", FieldType.DATE, []),
        ("is_partner", FieldType.BOOLEAN, []),
        ("slogan", FieldType.TEXT, []),
    ):
        CustomFieldFactory(key=key, label=key.capitalize(), field_type=field_type, choices=choices)
    CustomFieldFactory(key="fax", is_active=False)


def two(cast: Cast, kept: dict[str, Any], gone: dict[str, Any]) -> tuple[Lead, Lead]:
    survivor = LeadFactory(owner=cast.rep, notes="", attributes=kept)
    return survivor, LeadFactory(owner=cast.rep, notes="", attributes=gone)


def proposed(survivor: Lead | Contact, duplicate: Lead) -> JsonValue:
    """The custom values that a merge is to take."""
    kept, other = (RecordRef(record.kind, record.pk) for record in (survivor, duplicate))
    rows = read_seen(TOOL, TOOL.parse(naming(kept, other))).by_record()
    return propose(kept, other, kept=rows[kept], other=rows[other]).get("attributes")


@pytest.mark.usefixtures("own_fields")
def test_a_survivor_takes_what_it_lacks_and_can_hold(cast: Cast) -> None:
    kept, gone = two(
        cast,
        {"tier": "gold"},
        {
            "tier": "silver", "seats": 12, "since": "2020-02-29", "is_partner": False, "slogan": "More",
            "fax": "1", "unheard_of": "x",
        },
    )  # fmt: skip
    assert proposed(kept, gone) == {
        "seats": 12,
        "since": "2020-02-29",
        "is_partner": False,
        "slogan": "More",
    }
    spoiled = {
        "tier": "bronze", "seats": "12", "since": "yesterday", "is_partner": 1, "slogan": " x\u200b ",
    }  # fmt: skip
    Lead.objects.filter(pk=gone.pk).update(attributes=spoiled)
    assert proposed(kept, gone) is None


def test_a_contact_takes_of_a_lead_what_contacts_have_too(cast: Cast) -> None:
    for kind, key in (("contact", "tier"), ("lead", "tier"), ("lead", "seats")):
        CustomFieldFactory(record_kind=kind, key=key)
    kept = ContactFactory(owner=cast.rep)
    gone = LeadFactory(owner=cast.rep, attributes={"tier": "gold", "seats": "12"})
    assert proposed(kept, gone) == {"tier": "gold"}
    merge(kept, gone, cast.rep, attributes={"tier": "gold"})
    kept.refresh_from_db()
    assert kept.attributes == {"tier": "gold"}


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.usefixtures("own_fields")
def test_own_fields_are_compared_in_as_many_queries_however_many_they_are(
    count: int, cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    values = {"tier": "silver", "seats": 12, "slogan": "More"}
    chosen = dict([*values.items()][:count])
    kept, gone = two(cast, {}, chosen)
    refs = (RecordRef(record.kind, record.pk) for record in (kept, gone))
    arguments = {**naming(*refs), "attributes": chosen}
    seen = read_seen(TOOL, TOOL.parse(arguments))
    with django_assert_num_queries(7):
        diff = build_diff(TOOL, arguments, seen, record_label=str(kept), viewer=cast.rep)
    assert len(diff.rows) == count
    execution = merge(kept, gone, cast.rep, attributes=chosen)
    with django_assert_num_queries(1):
        assert len(written_by(execution, cast.rep)) == count


@pytest.mark.usefixtures("own_fields")
def test_what_is_chosen_is_written_and_taken_back(cast: Cast) -> None:
    kept, gone = two(cast, {"tier": "gold", "fax": "1"}, {"tier": "silver", "seats": 12})
    execution = merge(kept, gone, cast.rep, attributes={"tier": "silver", "seats": 12})
    kept.refresh_from_db()
    assert kept.attributes == {"tier": "silver", "fax": "1", "seats": 12}
    assert [
        (row.label, row.before_text, row.after_text) for row in written_by(execution, cast.rep)
    ] == [
        ("Seats", "—", "12"),
        ("Tier", "gold", "silver"),
    ]
    (entry,) = AuditEntry.objects.filter(event="execution.succeeded")
    assert entry.details["fields"] == ["attributes.seats", "attributes.tier"]
    log = ChangeLog.objects.of_record("lead", kept.pk).order_by("pk").last()
    assert log is not None
    assert set(log.changes) == {"attributes"}
    plan = plan_undo(execution, viewer=cast.rep, now=LATER)
    assert [(row.label, row.now_text, row.back_text) for row in plan.returning] == [
        ("Seats", "12", "—"),
        ("Tier", "silver", "gold"),
    ]
    undo(execution, cast.rep)
    kept.refresh_from_db()
    assert kept.attributes == {"tier": "gold", "fax": "1"}


@pytest.mark.usefixtures("own_fields")
def test_what_was_edited_since_stays_and_the_rest_comes_back(cast: Cast) -> None:
    kept, gone = two(cast, {"tier": "gold"}, {"tier": "silver", "seats": 12})
    execution = merge(kept, gone, cast.rep, attributes={"tier": "silver", "seats": 12})
    Lead.objects.filter(pk=kept.pk).update(
        attributes={"tier": "silver", "seats": 13, "slogan": "New"}
    )
    plan = plan_undo(execution, viewer=cast.rep, now=LATER)
    assert [row.label for row in plan.staying] == ["Seats"]
    done = undo(execution, cast.rep)
    kept.refresh_from_db()
    assert kept.attributes == {"tier": "gold", "seats": 13, "slogan": "New"}
    assert done.left_alone == ["attributes.seats"]
    assert left_in_words(done.left_alone) == ("seats",)


@pytest.mark.usefixtures("own_fields")
def test_a_field_that_the_company_no_longer_has_comes_back_all_the_same(cast: Cast) -> None:
    kept, gone = two(cast, {"tier": "gold"}, {"tier": "silver"})
    execution = merge(kept, gone, cast.rep, attributes={"tier": "silver"})
    CustomField.objects.all().delete()
    assert [row.label for row in plan_undo(execution, viewer=cast.rep, now=LATER).returning] == [
        "tier"
    ]
    undo(execution, cast.rep)
    kept.refresh_from_db()
    assert kept.attributes == {"tier": "gold"}


@pytest.mark.usefixtures("own_fields")
@pytest.mark.parametrize(
    ("attributes", "field", "words"),
    [
        ({"fax": "1"}, "attributes.fax", "There is no such custom field."),
        ({"owner_id": 1}, "attributes.owner_id", "There is no such custom field."),
        ({"tier": "bronze"}, "attributes.tier", "One of: gold, silver."),
        ({"seats": "12"}, "attributes.seats", "Not as it would be stored."),
        ({"seats": True}, "attributes.seats", "A number."),
        ({"since": "yesterday"}, "attributes.since", "A date such as 2026-03-31."),
        ({"is_partner": 1}, "attributes.is_partner", "true or false."),
        ({"slogan": 7}, "attributes.slogan", "A text."),
    ],
)
def test_what_is_no_value_of_the_field_is_refused(
    cast: Cast, attributes: dict[str, JsonValue], field: str, words: str
) -> None:
    kept, gone = two(cast, {}, {})
    with pytest.raises(ReferenceRefusedError, match=words) as refused:
        merge(kept, gone, cast.rep, attributes=attributes)
    assert refused.value.extras == {"field": field}
    assert Lead.objects.count() == 2


@pytest.mark.parametrize(
    "attributes",
    [
        [], "x", {"tier": None}, {"tier": ""}, {"tier": []}, {"tier": {"a": 1}}, {"": "x"},
        {"tier": "a\x00b"}, {"tier": "x" * 5001}, {"k" * 61: "x"}, {f"k{n}": 1 for n in range(201)},
    ],
)  # fmt: skip
def test_what_no_field_could_hold_does_not_fit_the_tool(attributes: JsonValue) -> None:
    arguments: dict[str, JsonValue] = {
        "record_kind": "lead", "survivor_id": 1, "duplicate_kind": "lead", "duplicate_id": 2,
        "attributes": attributes,
    }  # fmt: skip
    with pytest.raises(InvalidArgumentsError):
        TOOL.parse(arguments)


@pytest.mark.usefixtures("own_fields")
@pytest.mark.parametrize("which", ["survivor", "duplicate"])
@pytest.mark.parametrize(
    ("now", "moved"),
    [
        ({"tier": "silver"}, [("attributes.tier", "gold", "silver")]),
        ({}, [("attributes.tier", "gold", None)]),
        ({"tier": "gold", "seats": 3}, [("attributes.seats", None, 3)]),
    ],
)
def test_a_value_that_changed_since_in_either_record_is_said(
    cast: Cast, which: str, now: dict[str, Any], moved: list[tuple[str, Any, Any]]
) -> None:
    both = two(cast, {"tier": "gold"}, {"tier": "gold"})
    change = approved(
        "merge_duplicates", arguments_of(*both, attributes={"tier": "gold"}), cast.rep
    )
    record = both[which == "duplicate"]
    Lead.objects.filter(pk=record.pk).update(attributes=now)
    found = find_moved(change.seen)
    assert [(one.record.id, one.field, one.seen, one.now) for one in found] == [
        (record.pk, *one) for one in moved
    ]
    with pytest.raises(StaleError):
        apply_change(change, now=LATER)


@pytest.mark.usefixtures("own_fields")
def test_a_proposal_invents_no_value(cast: Cast) -> None:
    kept, gone = two(cast, {"tier": "gold"}, {"tier": "silver", "seats": 12})
    for attributes, invented in (
        ({"tier": "silver", "seats": 12}, set()),
        ({"tier": "gold"}, set()),
        ({"seats": 13, "tier": "silver"}, {"attributes.seats"}),
        ({"slogan": "Buy"}, {"attributes.slogan"}),
    ):
        typed = TOOL.parse(arguments_of(kept, gone, attributes=attributes))
        assert TOOL.invented(typed, read_seen(TOOL, typed)) == invented
