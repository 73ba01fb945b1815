"""From a likely pair to a suggestion to merge: facts, wording, confidence, who sees it, what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.brain.enums import Goal, Provider
from apps.brain.rules import propose
from apps.brain.schemas import Claim
from apps.conftest import Cast
from apps.crm.enums import LeadStatus
from apps.crm.models import Contact, Lead, Record
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    TaskFactory,
    merge,
)
from apps.duplicates.enums import PairState
from apps.duplicates.models import Pair
from apps.duplicates.tests.pairs import make_pair
from apps.suggestions.enums import State, Verdict
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.context import gather
from apps.suggestions.pipeline.readers import read_overseers
from apps.suggestions.pipeline.run import task_of
from apps.suggestions.pipeline.validation import validate
from apps.suggestions.presentation import diff_of
from apps.suggestions.services import visible_by_id
from apps.suggestions.tests.cases import NOW, answered, awaiting, decided, quiet_lead, scan
from apps.tenants.services import current_tenant
from apps.triggers.detection import detect
from apps.triggers.moments import ScanMoment
from apps.triggers.rules import registry
from apps.users.models import User


def detect_all() -> None:
    """Let the triggers about duplicates look at every record, without what follows a scan."""
    moment = ScanMoment(now=NOW, zone=current_tenant().zone)
    for trigger in registry.all():
        if trigger.goal == Goal.MERGE_DUPLICATES:
            detect(trigger, moment, trigger.parse({}))


@pytest.fixture
def twins(cast: Cast) -> tuple[Contact, Lead]:
    """A contact of the rep who is a lead as well, with what hangs on the lead."""
    account = AccountFactory(name="Brunner AG", owner=cast.rep)
    contact = ContactFactory(
        owner=cast.rep, account=account, first_name="Jon", last_name="Marchetti", phone="",
        email="j.marchetti@brunner.example", title="", notes="",
    )  # fmt: skip
    lead = LeadFactory(
        owner=cast.teammate, first_name="John", last_name="Marchetti", company="Brunner AG",
        email="j.marchetti@brunner.example", phone="+41 44 555 12 34", title="Head of IT", notes="",
    )  # fmt: skip
    ActivityFactory.create_batch(2, lead=lead)
    TaskFactory(lead=lead)
    make_pair(contact, lead, 0.97)
    return contact, lead


def only() -> Suggestion:
    return Suggestion.objects.get(goal=Goal.MERGE_DUPLICATES)


def test_a_likely_pair_becomes_a_suggestion_to_merge(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    contact, lead = twins
    scan()
    suggestion = only()
    assert (suggestion.record_kind, suggestion.record_id) == ("contact", contact.pk)
    assert (suggestion.state, suggestion.tool, suggestion.risk) == (
        State.PENDING, "merge_duplicates", "high",
    )  # fmt: skip
    assert suggestion.arguments == {
        "record_kind": "contact",
        "survivor_id": contact.pk,
        "duplicate_kind": "lead",
        "duplicate_id": lead.pk,
        "phone": "+41 44 555 12 34",
        "title": "Head of IT",
    }
    assert suggestion.assignee == cast.rep
    assert suggestion.title == "Merge the lead John Marchetti into the contact Jon Marchetti"
    assert suggestion.reason == (
        "Same e-mail, same company, same surname, given name a letter apart (Jon / John)."
        " 2 activities and 1 task would move. From the other come the phone and title."
    )


def test_the_facts_quote_both_records_with_their_ids(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    _, lead = twins
    scan()
    told = [(fact["label"], fact["text"], fact["record"]) for fact in only().facts]
    ref = f"lead:{lead.pk}"
    assert told[:1] == [("Still a lead, too", "John Marchetti", ref)]
    assert {
        ("Phone", "+41 44 555 12 34", ref),
        ("Title", "Head of IT", ref),
        ("First name", "Jon", None),
        ("First name of the other", "John", ref),
        ("Would move", "2 activities and 1 task", None),
        ("Noticed", "Contact on file twice: 97% likely the same", None),
    } <= set(told)


def test_a_lead_converted_before_anybody_compared_it_anew_keeps_no_other_suggestion_waiting(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    _, lead = twins
    scan()
    quiet = quiet_lead(cast.rep)
    Lead.objects.filter(pk=lead.pk).update(status=LeadStatus.CONVERTED)
    ledger = scan(timedelta(minutes=1))
    assert (ledger.error, ledger.suggestions_created) == ("", 1)
    assert Suggestion.objects.get(goal=Goal.REVIVE_LEAD).record_id == quiet.pk


def what_moves(survivor: Record, viewer: User) -> tuple[list[str], tuple[str, ...]]:
    """What would move to a record, as the facts of its suggestion say it and as the comparison does."""
    suggestion = Suggestion.objects.get(record_kind=survivor.kind, record_id=survivor.pk)
    comparison = diff_of(suggestion, viewer).comparison
    assert comparison is not None
    told = [fact["text"] for fact in suggestion.facts if fact["label"] == "Would move"]
    return told, comparison.moved


def test_facts_and_comparison_leave_out_what_stays_with_another_contact(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    contact, lead = twins
    ActivityFactory(lead=lead, contact=ContactFactory())
    scan()
    assert what_moves(contact, cast.rep) == (
        ["2 activities and 1 task"],
        ("2 activities, 1 task move to “Jon Marchetti”.",),
    )


def test_facts_and_comparison_count_neither_the_survivor_below_its_duplicate_nor_merged_records(
    cast: Cast,
) -> None:
    duplicate, elsewhere = AccountFactory.create_batch(2, owner=cast.rep)
    survivor = AccountFactory(owner=cast.rep, name="Isdom", parent=duplicate)
    # Below it as well: the survivor of another pair, and a record that was merged into that one.
    other = AccountFactory(owner=cast.rep, name="Roofs", parent=duplicate)
    merge(AccountFactory(owner=cast.rep, parent=duplicate), other)
    make_pair(survivor, duplicate)
    make_pair(other, elsewhere)
    scan()
    assert what_moves(survivor, cast.rep) == (["1 account"], ("1 account moves to “Isdom”.",))
    assert what_moves(other, cast.rep) == ([], ())


def test_the_address_that_answered_is_taken(cast: Cast) -> None:
    kept, other = (
        ContactFactory(owner=cast.rep, first_name="Ada", last_name="Ritter", email=email, phone="", title="")
        for email in ("ada@old.example", "ada@new.example")
    )  # fmt: skip
    ActivityFactory(
        contact=other, activity_kind="email", direction="inbound",
        counterpart_address="ada@new.example", occurred_at=NOW - timedelta(days=2),
    )  # fmt: skip
    make_pair(kept, other)
    scan()
    assert only().arguments["email"] == "ada@new.example"


# -- confidence --


def test_the_confidence_is_the_pairs_until_people_have_decided(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    scan()
    suggestion = only()
    assert (suggestion.likelihood, suggestion.confidence, suggestion.confidence_n) == (
        0.97,
        0.97,
        0,
    )
    decided(
        cast.rep, 10, Verdict.REJECT, reason="not_duplicate", trigger="contact_duplicate",
        tool="merge_duplicates",
    )  # fmt: skip
    scan(timedelta(minutes=1))
    suggestion.refresh_from_db()
    assert suggestion.confidence is not None
    assert suggestion.confidence < 0.5
    assert suggestion.confidence_n == 10


# -- who sees it --


def test_where_neither_owner_sees_both_it_is_a_managers_and_shown_to_nobody_else(
    cast: Cast,
) -> None:
    kept, other = LeadFactory(owner=cast.rep), LeadFactory(owner=cast.outsider)
    make_pair(kept, other)
    scan()
    suggestion = only()
    assert suggestion.assignee == cast.manager
    seeing = {
        person.username: bool(visible_by_id(person, [suggestion.pk]))
        for person in (cast.rep, cast.teammate, cast.outsider, cast.manager, cast.admin)
    }
    assert seeing == {
        "rep": False, "teammate": False, "outsider": False, "manager": True, "admin": True,
    }  # fmt: skip
    # Looked at again it stays as it is: neither written anew nor withdrawn.
    again = scan(timedelta(minutes=1))
    assert (again.suggestions_created, again.suggestions_refreshed, again.suggestions_withdrawn) == (
        0, 0, 0,
    )  # fmt: skip


def test_where_nobody_sees_both_it_is_not_suggested(cast: Cast) -> None:
    for person in (cast.manager, cast.admin):
        person.is_active = False
        person.save()
    make_pair(LeadFactory(owner=cast.rep), LeadFactory(owner=cast.outsider))
    scan()
    assert not Suggestion.objects.exists()


def test_a_record_that_nobody_owns_is_merged_by_the_other_ones_owner(cast: Cast) -> None:
    kept = LeadFactory(owner=None)
    make_pair(kept, LeadFactory(owner=cast.outsider))
    scan()
    suggestion = only()
    assert suggestion.assignee == cast.outsider
    assert suggestion.arguments["owner_id"] == cast.outsider.pk


# -- one open suggestion, kept true --


def test_when_the_pair_goes_the_suggestion_is_withdrawn(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    scan()
    Pair.objects.update(state=PairState.GONE)
    scan(timedelta(minutes=1))
    suggestion = only()
    assert (suggestion.state, suggestion.closed_because) == (
        State.WITHDRAWN, "The two records are no longer a pair to be looked at.",
    )  # fmt: skip


def test_when_another_pair_is_the_strongest_the_suggestion_is_about_that_one(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    contact, _ = twins
    scan()
    other = LeadFactory(owner=cast.rep)
    make_pair(contact, other, 0.99)
    done = scan(timedelta(minutes=1))
    assert (done.suggestions_created, done.suggestions_refreshed) == (0, 1)
    assert only().arguments["duplicate_id"] == other.pk


def test_when_its_pair_is_settled_a_new_suggestion_is_about_the_next_one(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    contact, lead = twins
    next_one = LeadFactory(owner=cast.rep)
    make_pair(contact, next_one, 0.9)
    scan()
    Pair.objects.filter(duplicate_id=lead.pk).update(state=PairState.NOT_DUPLICATE)
    scan(timedelta(minutes=1))
    first, second = Suggestion.objects.order_by("pk")
    assert (first.state, second.state) == (State.WITHDRAWN, State.PENDING)
    assert second.arguments["duplicate_id"] == next_one.pk


def test_queries_are_the_same_for_one_pair_and_for_many(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    def gathered() -> int:
        moment = ScanMoment(now=NOW, zone=current_tenant().zone)
        batch = awaiting()
        with CaptureQueriesContext(connection) as queries:
            contexts = gather(batch, moment, "USD", [cast.manager.pk])
        assert len(contexts) == len(batch)
        return len(queries)

    detect_all()
    one = gathered()
    for _ in range(3):
        contact = ContactFactory(owner=cast.rep, account=AccountFactory(owner=cast.rep))
        make_pair(contact, LeadFactory(owner=cast.rep))
    detect_all()
    assert gathered() == one


# -- what a model may not say --


def question(cast: Cast) -> tuple[Any, Any]:
    detect_all()
    moment = ScanMoment(now=NOW, zone=current_tenant().zone)
    (context,) = gather(awaiting(), moment, "USD", read_overseers())
    return context, task_of(context, moment)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"phone": "+41 44 000 00 00"}, "stated_nowhere"),
        ({"do_not_contact": True}, "invented_value"),
        ({"duplicate_kind": "contact", "duplicate_id": 0}, "invalid_arguments"),
        ({"duplicate_id": 999_999}, "unknown_record"),
    ],
)
def test_a_models_inventions_are_dropped(
    cast: Cast, twins: tuple[Contact, Lead], changes: dict[str, Any], code: str
) -> None:
    context, task = question(cast)
    proposal = propose(task)
    assert proposal is not None
    (number, *_) = (fact.number for fact in task.facts)
    of_model = replace(
        proposal,
        provider=Provider.OPENAI,
        title="Merge the two",
        reason="They are the same.",
        claims=(Claim("They are the same", (number,)),),
        arguments={**proposal.arguments, **changes},
    )
    accepted, dropped = validate([answered(context, task, of_model)])
    assert (accepted, [item.code for item in dropped]) == ([], [code])


def test_another_pairs_ids_and_a_merge_with_itself_are_dropped(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    """An account among the facts is no duplicate, though it is given."""
    parent, account, other = AccountFactory.create_batch(3, owner=cast.rep)
    type(other).objects.filter(pk=other.pk).update(parent=parent)
    Pair.objects.all().delete()
    make_pair(account, other)
    context, task = question(cast)
    proposal = propose(task)
    assert proposal is not None
    assert proposal.arguments["parent_id"] == parent.pk
    codes = []
    for duplicate_id in (parent.pk, account.pk):
        arguments = {**proposal.arguments, "duplicate_id": duplicate_id}
        _, dropped = validate([answered(context, task, replace(proposal, arguments=arguments))])
        codes += [item.code for item in dropped]
    assert codes == ["other_pair", "invalid_arguments"]
