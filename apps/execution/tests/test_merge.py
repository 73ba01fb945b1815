"""Merging: what hangs on the duplicate moves, the duplicate is marked; and what is refused."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.db.models import ManyToManyField

from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.changelog import model_of
from apps.crm.enums import RecordKind
from apps.crm.models import Account, Activity, Contact, Lead, Opportunity, Record, Task
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    ContractFactory,
    DraftFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.crm.tests.pages import make
from apps.execution.exceptions import (
    ChangeNotPossibleError,
    InvalidArgumentsError,
    PermissionRefusedError,
    RecordMergedError,
    ReferenceRefusedError,
    StaleError,
)
from apps.execution.reading import read_seen
from apps.execution.schemas import RecordRef
from apps.execution.services import apply_change, hidden_records, sees_records
from apps.execution.tests.factories import approved
from apps.execution.tests.merges import MERGEABLE, all_rows, arguments_of, columns_naming, merge
from apps.execution.tools import registry
from apps.execution.tools.base import every_row_of
from apps.execution.tools.merge_arguments import LONGEST_NOTES, naming
from apps.execution.tools.repointing import moves_between
from apps.execution.tools.surviving import proposed_values
from apps.users.tests.factories import UserFactory

TOOL = registry.get("merge_duplicates")
MOMENT = datetime(2026, 2, 1, 12, tzinfo=UTC)


def row_of(record: Record) -> Record:
    found: Record = every_row_of(record.kind).get(pk=record.pk)
    return found


@pytest.mark.parametrize("kind", MERGEABLE)
def test_every_reference_to_a_record_moves_or_says_what_was_merged(kind: str) -> None:
    moves = moves_between(RecordKind(kind), RecordKind(kind))
    moved = {(model_of(move.kind)._meta.db_table, move.left) for move in moves}
    marks = {(f"crm_{kind}", "merged_into_id")}
    if kind == "contact":
        marks.add(("crm_lead", "merged_into_contact_id"))
    assert moved | marks == columns_naming(kind)
    assert not moved & marks


def test_nothing_refers_to_records_in_another_way() -> None:
    kinds = {model_of(RecordKind(kind)) for kind in MERGEABLE}
    many = [
        field
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, ManyToManyField) and field.related_model in kinds
    ]
    assert many == []


def test_what_a_lead_becomes_to_a_contact() -> None:
    moves = moves_between(RecordKind.LEAD, RecordKind.CONTACT)
    assert [(move.kind.value, move.left, move.taken) for move in moves] == [
        ("activity", "lead_id", "contact_id"),
        ("draft", "lead_id", "contact_id"),
        ("task", "lead_id", "contact_id"),
    ]


def test_what_hangs_on_an_account_moves_and_the_account_is_marked(cast: Cast) -> None:
    survivor, duplicate = AccountFactory.create_batch(2, owner=cast.rep, website="")
    Account.objects.filter(pk=duplicate.pk).update(website="isdom.com")
    own = {"account": duplicate, "owner": cast.rep}
    children: list[Any] = [
        ActivityFactory(**own), TaskFactory(**own), DraftFactory(**own), ContactFactory(**own),
        OpportunityFactory(**own), ContractFactory(**own),
    ]  # fmt: skip
    below = AccountFactory(parent=duplicate)
    merge(survivor, duplicate, cast.rep, website="isdom.com")
    for child in children:
        child.refresh_from_db()
        assert child.account == survivor
    below.refresh_from_db()
    survivor.refresh_from_db()
    assert (below.parent, survivor.website) == (survivor, "isdom.com")
    merged = row_of(duplicate)
    assert isinstance(merged, Account)
    assert (merged.merged_into_id, merged.merged_at is None) == (survivor.pk, False)
    counts = Counter(kind for kind, rows in all_rows().items() for _ in rows)
    assert counts == {
        "account": 3, "activity": 1, "task": 1, "draft": 1, "contact": 1, "opportunity": 1, "contract": 1,
    }  # fmt: skip
    entry = AuditEntry.objects.get(event="execution.succeeded")
    assert (entry.record_kind, entry.record_id, entry.details) == (
        "account",
        survivor.pk,
        {
            "tool": "merge_duplicates",
            "fields": ["website"],
            "moved": [
                "1 account", "1 activity", "1 contact", "1 contract", "1 e-mail draft", "1 deal", "1 task",
            ],
        },
    )  # fmt: skip


def test_a_merge_may_change_no_field_at_all(cast: Cast) -> None:
    survivor, duplicate = ContactFactory.create_batch(2, owner=cast.rep)
    deal = OpportunityFactory(contact=duplicate)
    lead = LeadFactory(converted_contact=duplicate)
    execution = merge(survivor, duplicate, cast.rep)
    deal.refresh_from_db()
    lead.refresh_from_db()
    assert (deal.contact, lead.converted_contact) == (survivor, survivor)
    assert (execution.before_values, execution.after_values) == ({}, {})


def test_a_lead_who_is_a_contact_already(cast: Cast) -> None:
    account = AccountFactory()
    contact = ContactFactory(owner=cast.rep, account=account)
    lead = LeadFactory(owner=cast.rep)
    call = ActivityFactory(lead=lead, occurred_at=MOMENT)
    task = TaskFactory(lead=lead)
    shared = ActivityFactory(lead=lead, contact=ContactFactory(), occurred_at=MOMENT)
    merge(contact, lead, cast.rep)
    for child in (call, task):
        child.refresh_from_db()
        assert (child.lead, child.contact) == (None, contact)
    # Whom it was with besides is not forgotten.
    shared.refresh_from_db()
    assert (shared.lead_id, shared.contact == contact) == (lead.pk, False)
    contact.refresh_from_db()
    account.refresh_from_db()
    assert (contact.last_activity_at, account.last_activity_at) == (MOMENT, MOMENT)
    merged = row_of(lead)
    assert isinstance(merged, Lead)
    assert (merged.merged_into_contact_id, merged.merged_into_id) == (contact.pk, None)
    assert merged.status == "working"


def test_the_last_activity_is_that_of_both(cast: Cast) -> None:
    survivor, duplicate = AccountFactory.create_batch(2, owner=cast.rep)
    contact = ContactFactory(account=duplicate)
    ActivityFactory(account=survivor, occurred_at=MOMENT - timedelta(days=9))
    ActivityFactory(contact=contact, occurred_at=MOMENT)
    merge(survivor, duplicate, cast.rep)
    survivor.refresh_from_db()
    merged = row_of(duplicate)
    assert isinstance(merged, Account)
    assert (survivor.last_activity_at, merged.last_activity_at) == (MOMENT, None)


def test_what_was_merged_into_the_duplicate_stays_merged_into_it(cast: Cast) -> None:
    first, second, third = LeadFactory.create_batch(3, owner=cast.rep)
    merge(second, first, cast.rep)
    merge(third, second, cast.rep)
    merged = row_of(first)
    assert isinstance(merged, Lead)
    assert merged.merged_into_id == second.pk


def test_an_account_below_its_duplicate_takes_its_place(cast: Cast) -> None:
    top = AccountFactory(owner=cast.rep)
    duplicate = AccountFactory(owner=cast.rep, parent=top)
    between = AccountFactory(parent=duplicate)
    survivor = AccountFactory(owner=cast.rep, parent=between)
    merge(survivor, duplicate, cast.rep)
    parents = dict(Account.objects.exclude(pk=duplicate.pk).values_list("pk", "parent_id"))
    assert parents == {top.pk: None, between.pk: survivor.pk, survivor.pk: top.pk}


def test_an_account_right_below_its_duplicate(cast: Cast) -> None:
    duplicate = AccountFactory(owner=cast.rep)
    survivor = AccountFactory(owner=cast.rep, parent=duplicate)
    merge(survivor, duplicate, cast.rep)
    survivor.refresh_from_db()
    assert survivor.parent is None


@pytest.mark.parametrize("above", ["duplicate", "below it"])
def test_no_parent_is_taken_that_would_be_the_account_itself(cast: Cast, above: str) -> None:
    survivor, duplicate = AccountFactory.create_batch(2, owner=cast.rep)
    below = AccountFactory(owner=cast.rep, parent=duplicate)
    parent = duplicate if above == "duplicate" else below
    with pytest.raises(ReferenceRefusedError, match="An account cannot belong to itself"):
        merge(survivor, duplicate, cast.rep, parent_id=parent.pk)


def test_a_converted_lead_is_not_lost(cast: Cast) -> None:
    survivor, duplicate = LeadFactory.create_batch(2, owner=cast.rep)
    Lead.objects.filter(pk=duplicate.pk).update(status="converted", first_name="Ana", last_name="")
    with pytest.raises(ChangeNotPossibleError, match="“Ana” has been converted: keep that record"):
        merge(survivor, duplicate, cast.rep)
    merge(duplicate, survivor, cast.rep)


@pytest.mark.parametrize("kind", [RecordKind.LEAD, RecordKind.CONTACT])
def test_the_survivor_keeps_something_to_call_it_by(cast: Cast, kind: RecordKind) -> None:
    survivor, duplicate = (make(kind, owner=cast.rep, email="") for _ in range(2))
    emptied = {name: "" for name in model_of(kind).called_by if name != "email"}  # type: ignore[attr-defined]
    before = all_rows()
    with pytest.raises(ChangeNotPossibleError, match="no name and no address left"):
        merge(survivor, duplicate, cast.rep, **emptied)
    assert all_rows() == before
    # One is enough.
    del emptied["first_name"]
    merge(survivor, duplicate, cast.rep, **emptied)


def test_what_is_merged_already_is_not_merged_again(cast: Cast) -> None:
    kept, gone, other = (LeadFactory(owner=cast.rep, last_name=name) for name in ("A", "B", "C"))
    late = approved("merge_duplicates", arguments_of(other, gone), cast.rep, idempotency_key="late")
    late_survivor = approved(
        "merge_duplicates", arguments_of(gone, other), cast.rep, idempotency_key="later"
    )
    merge(kept, gone, cast.rep)
    for change in (late, late_survivor):
        with pytest.raises(RecordMergedError) as caught, transaction.atomic():
            apply_change(change, now=MOMENT)
        assert caught.value.message == "“Lee B” has been merged into “Lee A” since."
        assert caught.value.extras == {"survivor": {"record_kind": "lead", "record_id": kept.pk}}
    assert row_of(other) in Lead.objects.all()


@pytest.mark.parametrize("which", ["survivor", "duplicate"])
@pytest.mark.parametrize("field", ["phone", "notes", "owner_id"])
def test_what_has_changed_in_either_record_since_is_said(
    cast: Cast, which: str, field: str
) -> None:
    records = {name: LeadFactory(owner=cast.rep) for name in ("survivor", "duplicate")}
    change = approved("merge_duplicates", arguments_of(*records.values()), cast.rep)
    value = cast.teammate.pk if field == "owner_id" else "5"
    Lead.objects.filter(pk=records[which].pk).update(**{field: value})
    with pytest.raises(StaleError) as caught:
        apply_change(change, now=MOMENT)
    (moved,) = caught.value.moved
    assert (moved.record.id, moved.field) == (records[which].pk, field)


@pytest.mark.parametrize("which", ["survivor", "duplicate"])
def test_who_does_not_see_both_merges_neither(cast: Cast, which: str) -> None:
    owners = {"survivor": cast.rep, "duplicate": cast.rep, which: cast.outsider}
    survivor, duplicate = (LeadFactory(owner=owner) for owner in owners.values())
    with pytest.raises(PermissionRefusedError):
        merge(survivor, duplicate, cast.rep)


def test_who_may_not_change_leads_merges_none_into_a_contact(cast: Cast) -> None:
    role = cast.rep.groups.get()
    role.permissions.remove(role.permissions.get(codename="change_lead"))
    rep = type(cast.rep).objects.get(pk=cast.rep.pk)
    with pytest.raises(PermissionRefusedError):
        merge(ContactFactory(owner=rep), LeadFactory(owner=rep), rep)
    account, other = AccountFactory.create_batch(2, owner=rep)
    merge(account, other, rep)


def test_nobody_is_given_a_record_who_has_left(cast: Cast) -> None:
    gone = UserFactory(team=cast.team, is_active=False)
    survivor = LeadFactory(owner=cast.rep)
    with pytest.raises(ReferenceRefusedError, match="This person has left"):
        merge(survivor, LeadFactory(owner=gone), cast.rep, owner_id=gone.pk)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"record_kind": "lead", "duplicate_kind": "contact"},
            "records of these kinds are not merged",
        ),
        (
            {"record_kind": "account", "duplicate_kind": "lead"},
            "records of these kinds are not merged",
        ),
        ({"record_kind": "task", "duplicate_kind": "task"}, "Input should be 'lead'"),
        ({"duplicate_kind": "contact", "duplicate_id": 1}, "a record is not merged into itself"),
        ({"company": "Isdom"}, "a contact has no company"),
        ({"email": ""}, "email: Value error, not an e-mail address"),
        ({"first_name": None}, "first_name: Input should be a valid string"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
    ],
)
def test_arguments_that_make_no_sense(changes: dict[str, Any], words: str) -> None:
    valid: dict[str, Any] = {
        "record_kind": "contact", "survivor_id": 1, "duplicate_kind": "lead", "duplicate_id": 2,
    }  # fmt: skip
    with pytest.raises(InvalidArgumentsError, match=words):
        TOOL.parse({**valid, **changes})


def test_an_amount_goes_with_its_currency() -> None:
    lead: dict[str, Any] = {
        "record_kind": "lead",
        "survivor_id": 1,
        "duplicate_kind": "lead",
        "duplicate_id": 2,
    }
    with pytest.raises(InvalidArgumentsError, match="an amount and its currency"):
        TOOL.parse({**lead, "estimated_value": "5.00"})
    account = {**lead, "record_kind": "account", "duplicate_kind": "account"}
    largest = {"annual_revenue": "99999999999999.99", "currency": "VND"}
    assert (
        str(TOOL.values(TOOL.parse({**account, **largest}))["annual_revenue"])
        == "99999999999999.99"
    )


def test_another_address_is_not_known_to_work(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep, email="old@isdom.com", email_status="valid")
    lead = LeadFactory(owner=cast.rep, email="new@isdom.com")
    merge(contact, lead, cast.rep, email="new@isdom.com")
    contact.refresh_from_db()
    assert (contact.email, contact.email_status) == ("new@isdom.com", "unknown")


def test_which_values_a_proposal_may_take(cast: Cast) -> None:
    survivor = LeadFactory(owner=cast.rep, phone="1", notes="Met in Bern.")
    duplicate = LeadFactory(owner=cast.rep, phone="2", notes="Wants a roof.", title="Buyer")
    both = "Met in Bern.\n\nWants a roof."

    def invented(**taken: str) -> frozenset[str]:
        arguments = TOOL.parse(arguments_of(survivor, duplicate, **taken))
        return TOOL.invented(arguments, read_seen(TOOL, arguments))

    assert invented(phone="2", title="Buyer", notes=both) == set()
    assert invented(phone="1", notes="Wants a roof.") == set()
    assert invented(phone="3", title="Buyer", notes="Met.") == {"phone", "notes"}


@pytest.mark.parametrize(
    ("ours", "theirs", "joined", "ending"),
    [
        (6_000, 6_000, 12_002, "b"),
        (60_000, 60_000, LONGEST_NOTES, "(The rest stands in the notes of the merged record.)"),
    ],
)
def test_long_notes_of_both_are_kept(ours: int, theirs: int, joined: int, ending: str) -> None:
    kept, other = {"notes": "a" * ours}, {"notes": "b" * theirs}
    taken = proposed_values({"notes"}, kept, other)
    notes = str(taken["notes"])
    assert len(notes) == joined
    assert notes.startswith("a" * ours)
    assert notes.endswith(ending)
    survivor, duplicate = RecordRef(RecordKind.LEAD, 1), RecordRef(RecordKind.LEAD, 2)
    assert not TOOL.fit({**naming(survivor, duplicate), **taken}).problems


def test_notes_that_leave_no_room_stay_alone() -> None:
    assert proposed_values({"notes"}, {"notes": "a" * LONGEST_NOTES}, {"notes": "b"}) == {}


@pytest.mark.parametrize("amount", ["estimated_value", "annual_revenue"])
def test_an_amount_in_no_currency_is_not_taken(amount: str) -> None:
    kept = {amount: None, "currency": "", "phone": ""}
    other = {amount: "100.00", "currency": "", "phone": "2"}
    assert proposed_values(kept.keys(), kept, other) == {"phone": "2"}


def test_nothing_but_the_children_of_the_duplicate_moves(cast: Cast) -> None:
    survivor, duplicate, other = ContactFactory.create_batch(3, owner=cast.rep)
    for contact in (survivor, other):
        ActivityFactory(contact=contact)
        TaskFactory(contact=contact)
    before = all_rows()
    merge(survivor, duplicate, cast.rep)
    after = all_rows()
    assert after["activity"] == before["activity"]
    assert after["task"] == before["task"]
    assert (Activity.objects.count(), Task.objects.count(), Opportunity.objects.count()) == (
        2,
        2,
        0,
    )
    assert Contact.objects.filter(pk=other.pk, merged_at=None).exists()


@pytest.mark.parametrize("kind", MERGEABLE)
def test_a_merged_record_is_hidden_from_whom_it_was_hidden_before(cast: Cast, kind: str) -> None:
    survivor, duplicate = (make(RecordKind(kind), owner=o) for o in (cast.rep, cast.outsider))
    refs = [RecordRef(record.kind, record.pk) for record in (survivor, duplicate)]
    merge(survivor, duplicate, cast.manager)
    hidden = {
        person.username: hidden_records(person, refs)
        for person in (cast.rep, cast.outsider, cast.manager)
    }
    assert hidden == {"rep": {refs[1]}, "outsider": {refs[0]}, "manager": set()}
    assert not sees_records(cast.rep, refs)
