"""What people decide on a merge flows back to its pair, and what they propose themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from apps.audit.enums import Origin
from apps.brain.enums import Goal
from apps.conftest import Cast, TenantClient
from apps.crm.models import Contact, Lead, Record
from apps.crm.tests.factories import ActivityFactory, ContactFactory, LeadFactory
from apps.duplicates.enums import PairState
from apps.duplicates.exceptions import PairNotFoundError
from apps.duplicates.models import Pair
from apps.duplicates.tests.pairs import make_pair, pair_of, ref_of
from apps.suggestions.enums import RejectReason, State
from apps.suggestions.exceptions import (
    InvalidDecisionError,
    NotProposableError,
    WithdrawnError,
)
from apps.suggestions.models import Suggestion
from apps.suggestions.services import approve, propose_merge, reject, reopen, undo
from apps.suggestions.tests.cases import NOW, scan, suggested
from apps.triggers.models import Silence
from apps.users.models import User

MINUTE = timedelta(minutes=1)


@pytest.fixture
def twins(cast: Cast) -> tuple[Contact, Lead]:
    """A contact who is a lead as well, both the rep's."""
    contact = ContactFactory(owner=cast.rep, first_name="Ada", last_name="Ritter", phone="")
    lead = LeadFactory(owner=cast.rep, first_name="Ada", last_name="Ritter", phone="+41 44 1")
    ActivityFactory(lead=lead)
    make_pair(contact, lead, 0.97)
    return contact, lead


def suggestions() -> list[tuple[State, str]]:
    """The states of all merges, in their order, with why they were closed."""
    rows = Suggestion.objects.filter(goal=Goal.MERGE_DUPLICATES).order_by("pk")
    return [(State(row.state), row.closed_because) for row in rows]


def pair() -> Pair:
    return Pair.objects.get()


def found(by_scan_after: timedelta = timedelta()) -> Suggestion:
    scan(by_scan_after)
    return Suggestion.objects.get(goal=Goal.MERGE_DUPLICATES)


# -- not a duplicate --


def test_saying_that_they_are_not_the_same_settles_the_pair_for_good(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    reject(suggestion_id=found().pk, user=cast.rep, reason=RejectReason.NOT_DUPLICATE, now=NOW)
    assert (pair().state, pair().decided_by) == (PairState.NOT_DUPLICATE, cast.rep)
    assert not Silence.objects.exists()
    scan(timedelta(days=400))
    assert suggestions() == [(State.REJECTED, "Not a duplicate")]


def test_another_pair_of_the_record_comes_next(cast: Cast, twins: tuple[Contact, Lead]) -> None:
    contact, _ = twins
    other = LeadFactory(owner=cast.rep)
    make_pair(contact, other, 0.9)
    reject(suggestion_id=found().pk, user=cast.rep, reason=RejectReason.NOT_DUPLICATE, now=NOW)
    scan(MINUTE)
    waiting = Suggestion.objects.get(state=State.PENDING)
    assert waiting.arguments["duplicate_id"] == other.pk


def test_another_reason_leaves_the_pair_and_silences_the_record(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    reject(suggestion_id=found().pk, user=cast.rep, reason=RejectReason.BAD_TIMING, now=NOW)
    assert pair().state == PairState.OPEN
    scan(MINUTE)
    assert suggestions() == [(State.REJECTED, "Bad timing")]


def test_reopening_takes_the_settlement_back_and_the_suggestion_stays(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    suggestion = found()
    reject(suggestion_id=suggestion.pk, user=cast.rep, reason=RejectReason.NOT_DUPLICATE, now=NOW)
    scan(MINUTE)
    reopen(suggestion_id=suggestion.pk, user=cast.rep, now=NOW + MINUTE)
    assert pair().state == PairState.OPEN
    Pair.objects.update(is_likely=True)
    scan(2 * MINUTE)
    assert suggestions() == [(State.PENDING, "")]


def test_a_reason_is_offered_only_where_it_means_something(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    values = [value for value, _ in RejectReason.offered_for(Goal.MERGE_DUPLICATES)]
    assert values == ["not_duplicate", "not_needed", "already_done", "wrong_change", "bad_timing"]
    followup = suggested(cast.rep)
    with pytest.raises(InvalidDecisionError):
        reject(suggestion_id=followup.pk, user=cast.rep, reason="not_duplicate", now=NOW)


# -- merged and undone --


def test_approving_merges_and_the_next_pair_of_the_record_follows(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    contact, lead = twins
    other = LeadFactory(owner=cast.rep)
    make_pair(contact, other, 0.9)
    approve(suggestion_id=found().pk, user=cast.rep, now=NOW)
    merged = Pair.objects.get(duplicate_id=lead.pk)
    assert (merged.state, merged.decided_by, merged.is_likely) == (
        PairState.MERGED, cast.rep, False,
    )  # fmt: skip
    scan(MINUTE)
    waiting = Suggestion.objects.get(state=State.PENDING)
    assert waiting.arguments["duplicate_id"] == other.pk


def test_undo_reopens_the_pair_and_it_is_not_suggested_again_at_once(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    suggestion = found()
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    undo(suggestion_id=suggestion.pk, user=cast.rep, now=NOW + MINUTE)
    assert (pair().state, pair().decided_by) == (PairState.OPEN, None)
    Pair.objects.update(is_likely=True)
    scan(2 * MINUTE)
    assert suggestions() == [(State.UNDONE, "")]


def test_what_is_settled_meanwhile_is_withdrawn_at_approval(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    """Although another pair makes the trigger hold for the record."""
    contact, lead = twins
    make_pair(contact, LeadFactory(owner=cast.rep), 0.9)
    suggestion = found()
    Pair.objects.filter(duplicate_id=lead.pk).update(state=PairState.NOT_DUPLICATE)
    with pytest.raises(WithdrawnError):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    lead.refresh_from_db()
    assert (suggestions(), lead.merged_at) == (
        [(State.WITHDRAWN, "The reason no longer holds.")],
        None,
    )


# -- proposed by a person --


def proposed(by: User, survivor: Record, duplicate: Record) -> Suggestion:
    pair_id = pair_of(survivor, duplicate).pk
    return propose_merge(pair_id=pair_id, keep=ref_of(survivor), user=by, now=NOW + MINUTE)


def test_a_person_proposes_with_the_survivor_of_their_choice(cast: Cast) -> None:
    kept, other = (LeadFactory(owner=cast.rep, first_name="Ada", last_name="Ritter") for _ in "12")
    make_pair(kept, other, 0.97)
    first = found()
    mine = proposed(cast.teammate, other, kept)
    first.refresh_from_db()
    assert (first.state, first.closed_because) == (
        State.SUPERSEDED, "Tom Mate proposed another merge.",
    )  # fmt: skip
    assert (mine.record_id, mine.arguments["duplicate_id"]) == (other.pk, kept.pk)
    assert (mine.origin, mine.assignee, mine.state, mine.held_back) == (
        Origin.PERSON, cast.teammate, State.PENDING, "",
    )  # fmt: skip
    # It is left as it is, and still has to be approved.
    scan(2 * MINUTE)
    mine.refresh_from_db()
    assert (mine.state, mine.refreshed_at, mine.origin) == (
        State.PENDING, NOW + MINUTE, Origin.PERSON,
    )  # fmt: skip
    approve(suggestion_id=mine.pk, user=cast.rep, now=NOW + 3 * MINUTE)
    kept.refresh_from_db()
    assert kept.merged_into == other


def test_a_pair_that_is_settled_withdraws_what_a_person_proposed(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    proposed(cast.rep, *twins)
    Pair.objects.update(state=PairState.NOT_DUPLICATE)
    scan(2 * MINUTE)
    assert [state for state, _ in suggestions()] == [State.WITHDRAWN]


def test_what_is_no_open_pair_or_not_for_them_is_not_proposed(
    cast: Cast, twins: tuple[Contact, Lead]
) -> None:
    contact, lead = twins
    with pytest.raises(PairNotFoundError):
        proposed(cast.outsider, contact, lead)
    with pytest.raises(NotProposableError):
        proposed(cast.rep, lead, contact)
    stranger = ref_of(LeadFactory(owner=cast.rep))
    for keep in (stranger, None):
        with pytest.raises(NotProposableError):
            propose_merge(pair_id=pair().pk, keep=keep, user=cast.rep, now=NOW)
    Pair.objects.update(state=PairState.NOT_DUPLICATE)
    with pytest.raises(NotProposableError):
        proposed(cast.rep, contact, lead)
    assert not Suggestion.objects.exists()


def test_the_page_of_a_pair_proposes_by_post(
    cast: Cast, twins: tuple[Contact, Lead], client_for: Callable[[User], TenantClient]
) -> None:
    contact, _ = twins
    rep_client = client_for(cast.rep)
    address = f"/suggestions/merges/{pair().pk}/propose/"
    answer = rep_client.post(address, {"keep": f"contact:{contact.pk}"})
    suggestion = Suggestion.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/suggestions/{suggestion.pk}/")
    assert rep_client.get(address).status_code == 405
    assert rep_client.post(address, {"keep": "lead:x"}).status_code == 422
