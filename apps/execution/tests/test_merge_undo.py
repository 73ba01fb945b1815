"""Undoing a merge: all comes back, but what people have moved or edited since; in every order of merges."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise, permutations

import pytest

from apps.conftest import Cast
from apps.crm.models import Account, Activity, Contact, Lead, Opportunity, Record
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
from apps.execution.exceptions import (
    AlreadyUndoneError,
    ChangeNotPossibleError,
    ExecutionError,
    PermissionRefusedError,
    RecordGoneError,
    RecordMergedError,
)
from apps.execution.models import Execution
from apps.execution.services import plan_undo
from apps.execution.tests.merges import LATER, all_rows, merge, undo
from apps.execution.tools.base import every_row_of
from apps.users.models import User

MOMENT = datetime(2026, 2, 1, 12, tzinfo=UTC)


def hang_on(record: Record, owner: User) -> None:
    """A call, a task and a draft, and of an account what else there is."""
    about = {record.kind.value: record, "owner": owner}
    ActivityFactory(**about, occurred_at=MOMENT)
    TaskFactory(**about)
    DraftFactory(**about)
    if record.kind == "account":
        contact = ContactFactory(**about)
        ActivityFactory(contact=contact, occurred_at=MOMENT)
        OpportunityFactory(**about)
        ContractFactory(**about)
        AccountFactory(parent=record, owner=owner)
    if record.kind == "contact":
        OpportunityFactory(**about)
        LeadFactory(converted_contact=record, owner=owner)


@pytest.mark.parametrize(
    ("survivor", "duplicate"),
    [
        (LeadFactory, LeadFactory),
        (ContactFactory, ContactFactory),
        (AccountFactory, AccountFactory),
        (ContactFactory, LeadFactory),
    ],
)
def test_undone_all_is_as_it_was(cast: Cast, survivor: type, duplicate: type) -> None:
    kept, gone = survivor(owner=cast.rep, phone="1"), duplicate(owner=cast.rep, phone="2")
    hang_on(kept, cast.rep)
    hang_on(gone, cast.rep)
    before = all_rows()
    execution = merge(kept, gone, cast.rep, phone="2", notes="Both")
    assert all_rows() != before
    done = undo(execution, cast.rep)
    assert all_rows() == before
    assert done.left_alone == []
    with pytest.raises(AlreadyUndoneError):
        undo(execution, cast.rep)


def test_the_plan_says_what_comes_back_and_what_stays(cast: Cast) -> None:
    kept = AccountFactory(owner=cast.rep)
    gone = AccountFactory(owner=cast.rep, name="Isdom GmbH")
    deals = OpportunityFactory.create_batch(3, account=gone)
    calls = ActivityFactory.create_batch(2, account=gone)
    execution = merge(kept, gone, cast.rep)
    plan = plan_undo(execution, viewer=cast.rep, now=LATER)
    assert (plan.also_back, plan.also_staying) == (
        (
            "“Isdom GmbH” is a record of its own again.",
            "2 activities, 3 deals go back to “Isdom GmbH”.",
        ),
        (),
    )
    elsewhere = AccountFactory()
    Opportunity.objects.filter(pk=deals[0].pk).update(account=elsewhere)
    Opportunity.objects.filter(pk=deals[1].pk).update(name="Another name")
    Activity.objects.filter(pk=calls[0].pk).delete()
    plan = plan_undo(execution, viewer=cast.rep, now=LATER)
    assert plan.also_back[1] == "1 activity, 2 deals go back to “Isdom GmbH”."
    assert plan.also_staying == (
        "1 activity, 1 deal do not go back, because they were moved or deleted since.",
    )
    done = undo(execution, cast.rep)
    accounts = {deal.pk: deal.account_id for deal in Opportunity.objects.all()}
    assert accounts == {deals[0].pk: elsewhere.pk, deals[1].pk: gone.pk, deals[2].pk: gone.pk}
    # What was edited goes back with its edit.
    assert Opportunity.objects.get(pk=deals[1].pk).name == "Another name"
    assert done.left_alone == [f"activity:{calls[0].pk}", f"opportunity:{deals[0].pk}"]


def test_what_came_to_the_survivor_since_stays_there(cast: Cast) -> None:
    kept, gone = LeadFactory.create_batch(2, owner=cast.rep)
    execution = merge(kept, gone, cast.rep)
    call = ActivityFactory(lead=kept)
    undo(execution, cast.rep)
    call.refresh_from_db()
    assert call.lead == kept


def test_a_field_that_was_edited_since_stays_and_the_rest_comes_back(cast: Cast) -> None:
    kept = LeadFactory(owner=cast.rep, phone="1")
    gone = LeadFactory(owner=cast.rep, phone="2")
    task = TaskFactory(lead=gone)
    execution = merge(kept, gone, cast.rep, phone="2")
    Lead.objects.filter(pk=kept.pk).update(phone="3")
    plan = plan_undo(execution, viewer=cast.rep, now=LATER)
    assert (plan.returning, plan.is_worthwhile) == ((), True)
    assert [row.label for row in plan.staying] == ["Phone"]
    done = undo(execution, cast.rep)
    kept.refresh_from_db()
    task.refresh_from_db()
    assert (kept.phone, task.lead, done.left_alone) == ("3", gone, ["phone"])


def test_an_owner_who_has_left_does_not_keep_a_merge_from_being_undone(cast: Cast) -> None:
    kept, gone = LeadFactory(owner=cast.teammate), LeadFactory(owner=cast.rep)
    execution = merge(kept, gone, cast.rep, owner_id=cast.rep.pk)
    User.objects.filter(pk=cast.teammate.pk).update(is_active=False)
    done = undo(execution, cast.rep)
    kept.refresh_from_db()
    assert (kept.owner, done.left_alone) == (cast.rep, ["owner_id"])
    assert Lead.objects.filter(pk=gone.pk, merged_at=None).exists()


def test_merged_on_since_it_is_undone_from_the_last_merge_back(cast: Cast) -> None:
    first, second, third = (ContactFactory(owner=cast.rep, last_name=n) for n in "ABC")
    for contact in (first, second, third):
        hang_on(contact, cast.rep)
    before = all_rows()
    one = merge(second, first, cast.rep)
    between = all_rows()
    two = merge(third, second, cast.rep)
    for attempt in (undo, lambda execution, by: plan_undo(execution, viewer=by, now=LATER)):
        with pytest.raises(RecordMergedError) as caught:
            attempt(one, cast.rep)
        assert caught.value.message == "“Casey B” has been merged into “Casey C” since."
    undo(two, cast.rep)
    assert all_rows() == between
    undo(one, cast.rep)
    assert all_rows() == before


def test_two_merges_into_the_same_record_are_undone_in_either_order(cast: Cast) -> None:
    kept, first, second = LeadFactory.create_batch(3, owner=cast.rep, phone="")
    for lead in (kept, first, second):
        hang_on(lead, cast.rep)
    before = all_rows()
    one, two = merge(kept, first, cast.rep), merge(kept, second, cast.rep)
    undo(one, cast.rep)
    undo(two, cast.rep)
    assert all_rows() == before


def taken(record: Lead) -> tuple[str, str, Decimal | None, str]:
    record.refresh_from_db()
    return record.phone, record.notes, record.estimated_value, record.currency


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_what_merges_into_one_record_wrote_in_turn_is_as_it_was_whichever_is_undone_first(
    cast: Cast, order: tuple[int, ...]
) -> None:
    kept: Lead = LeadFactory(
        owner=cast.rep, phone="0", notes="Mine", estimated_value=1, currency="CHF"
    )
    others = LeadFactory.create_batch(3, owner=cast.rep)
    before = all_rows()
    merges = [
        merge(kept, others[0], cast.rep, phone="1", notes="Mine, first"),
        merge(kept, others[1], cast.rep, phone="2", notes="Mine, first, second"),
        merge(kept, others[2], cast.rep, phone="3", estimated_value=3, currency="EUR"),
    ]
    for number in order:
        undo(merges[number], cast.rep)
    assert all_rows() == before


def test_the_plan_tells_a_later_change_from_an_edit(cast: Cast) -> None:
    kept = LeadFactory(owner=cast.rep, phone="0", title="Buyer")
    first, second = LeadFactory.create_batch(2, owner=cast.rep)
    one = merge(kept, first, cast.rep, phone="1", title="Head")
    two = merge(kept, second, cast.rep, phone="2")
    Lead.objects.filter(pk=kept.pk).update(title="Chief")
    plan = plan_undo(one, viewer=cast.rep, now=LATER)
    assert {row.label: row.because for row in plan.staying} == {
        "Phone": "A later change wrote it. When that is undone too, it is as it was before both.",
        "Title": "It was edited since.",
    }
    assert undo(one, cast.rep).left_alone == ["phone", "title"]
    plan = plan_undo(two, viewer=cast.rep, now=LATER)
    assert [(row.label, row.now_text, row.back_text) for row in plan.returning] == [
        ("Phone", "2", "0")
    ]
    undo(two, cast.rep)
    assert taken(kept)[0] == "0"


def test_what_a_person_wrote_between_two_merges_is_put_back(cast: Cast) -> None:
    kept = LeadFactory(owner=cast.rep, phone="0")
    first, second = LeadFactory.create_batch(2, owner=cast.rep)
    one = merge(kept, first, cast.rep, phone="1")
    Lead.objects.filter(pk=kept.pk).update(phone="own")
    two = merge(kept, second, cast.rep, phone="2")
    plan = plan_undo(one, viewer=cast.rep, now=LATER)
    assert [row.because for row in plan.staying] == ["It was edited since."]
    undo(one, cast.rep)
    undo(two, cast.rep)
    assert taken(kept)[0] == "own"


def test_an_amount_goes_no_further_back_than_its_currency(cast: Cast) -> None:
    kept = LeadFactory(owner=cast.rep, estimated_value=10, currency="CHF")
    first, second = LeadFactory.create_batch(2, owner=cast.rep)
    one = merge(kept, first, cast.rep, estimated_value=20, currency="EUR")
    Lead.objects.filter(pk=kept.pk).update(currency="USD")
    two = merge(kept, second, cast.rep, estimated_value=30, currency="USD")
    undo(one, cast.rep)
    undo(two, cast.rep)
    assert taken(kept)[2:] == (Decimal(20), "USD")


def test_a_survivor_that_others_see_is_not_named(cast: Cast) -> None:
    first, second = LeadFactory.create_batch(2, owner=cast.rep)
    one = merge(second, first, cast.rep)
    merge(LeadFactory(owner=cast.outsider), second, cast.manager)
    with pytest.raises(RecordMergedError, match="has been merged into a lead since"):
        undo(one, cast.rep)


def test_an_account_goes_back_below_its_duplicate(cast: Cast) -> None:
    top = AccountFactory(owner=cast.rep)
    gone = AccountFactory(owner=cast.rep, parent=top)
    between = AccountFactory(parent=gone)
    kept = AccountFactory(owner=cast.rep, parent=between)
    before = all_rows()
    undo(merge(kept, gone, cast.rep), cast.rep)
    assert all_rows() == before
    undo(merge(kept, gone, cast.rep, parent_id=top.pk), cast.rep)
    assert all_rows() == before


def test_an_undo_makes_no_ring_of_accounts(cast: Cast) -> None:
    top = AccountFactory(owner=cast.rep)
    gone = AccountFactory(owner=cast.rep, parent=top)
    below = AccountFactory(parent=gone)
    kept = AccountFactory(owner=cast.rep)
    execution = merge(kept, gone, cast.rep)
    Account.objects.filter(pk=top.pk).update(parent=below)
    with pytest.raises(ChangeNotPossibleError, match="would form a ring"):
        undo(execution, cast.rep)


def test_a_merged_record_that_is_gone_does_not_come_back(cast: Cast) -> None:
    kept, gone = LeadFactory.create_batch(2, owner=cast.rep)
    execution = merge(kept, gone, cast.rep)
    every_row_of(gone.kind).filter(pk=gone.pk).delete()
    with pytest.raises(RecordGoneError, match="The record that was merged is no longer there"):
        undo(execution, cast.rep)


def test_who_does_not_see_the_merged_record_undoes_nothing(cast: Cast) -> None:
    kept, gone = LeadFactory(owner=cast.rep), LeadFactory(owner=cast.outsider)
    execution = merge(kept, gone, cast.manager)
    for attempt in (undo, lambda execution, by: plan_undo(execution, viewer=by, now=LATER)):
        with pytest.raises(PermissionRefusedError):
            attempt(execution, cast.rep)


def test_an_activity_of_a_lead_that_was_given_to_another_contact_since_stays(cast: Cast) -> None:
    contact, lead = ContactFactory(owner=cast.rep), LeadFactory(owner=cast.rep)
    moved, other = ActivityFactory.create_batch(2, lead=lead, occurred_at=MOMENT)
    execution = merge(contact, lead, cast.rep)
    elsewhere = ContactFactory()
    Activity.objects.filter(pk=moved.pk).update(contact=elsewhere)
    undo(execution, cast.rep)
    moved.refresh_from_db()
    other.refresh_from_db()
    assert (moved.lead, moved.contact) == (None, elsewhere)
    assert (other.lead, other.contact) == (lead, None)
    for model, record, latest in ((Contact, contact, None), (Lead, lead, MOMENT)):
        assert model.objects.get(pk=record.pk).last_activity_at == latest


def random_company(chance: random.Random, owner: User) -> list[Record]:
    """Four records of each kind that is merged, some accounts below others, some with what hangs on them."""
    records: list[Record] = []
    for factory in (LeadFactory, ContactFactory, AccountFactory):
        records += [factory(owner=owner, phone=str(n)) for n in range(4)]
    accounts = [record for record in records if isinstance(record, Account)]
    for above, below in pairwise(accounts):
        if chance.random() < 0.5:
            Account.objects.filter(pk=below.pk).update(parent=above)
    for record in chance.sample(records, 8):
        hang_on(record, owner)
    return records


def random_merges(chance: random.Random, records: list[Record], by: User) -> list[Execution]:
    """Merges of any two, as far as they may be merged; some are undone at once."""
    done: list[Execution] = []
    for _ in range(14):
        survivor, duplicate = chance.sample(records, 2)
        taken = {"phone": chance.choice("0123")} if chance.random() < 0.5 else {}
        try:
            done.append(merge(survivor, duplicate, by, **taken))
        except ExecutionError:
            continue
        if chance.random() < 0.3:
            undo(done.pop(), by)
    return done


@pytest.mark.parametrize("seed", range(12))
def test_random_merges_undone_from_the_last_back_leave_everything_as_it_was(
    cast: Cast, seed: int
) -> None:
    chance = random.Random(seed)
    records = random_company(chance, cast.rep)
    before = all_rows()
    for execution in reversed(random_merges(chance, records, cast.rep)):
        undo(execution, cast.rep)
    assert all_rows() == before


@pytest.mark.parametrize("seed", range(12))
def test_random_merges_undone_in_any_order_that_holds_put_everything_back_in_its_place(
    cast: Cast, seed: int
) -> None:
    chance = random.Random(seed)
    records = random_company(chance, cast.rep)
    before = all_rows()
    done = random_merges(chance, records, cast.rep)
    while done:
        execution = chance.choice(done)
        try:
            undo(execution, cast.rep)
        except RecordMergedError:
            # Its survivor was merged on: that is undone first.
            continue
        done.remove(execution)
    assert all_rows() == before
