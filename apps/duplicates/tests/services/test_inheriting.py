"""“Not a duplicate” said of a record that is merged later holds for its survivor, until that is undone."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from apps.conftest import Cast, make_cast
from apps.crm.models import Contact, Lead
from apps.crm.services import all_records
from apps.crm.tests.factories import ContactFactory, LeadFactory, merge
from apps.duplicates.enums import PairState, Subject
from apps.duplicates.models import Matcher, Pair
from apps.duplicates.services.decisions import decide_not_duplicate, reopen
from apps.duplicates.services.inheriting import carry_decisions_over, survivors_of
from apps.duplicates.services.work import carry_out_run, match_changed, request_run
from apps.duplicates.tests.pairs import add_people, make_pair, pair_of, ref_of
from apps.execution.schemas import RecordRef
from apps.tenants.models import Tenant

NOW = timezone.now()


def three(cast: Cast) -> tuple[Lead, Lead, Lead]:
    first, second, third = LeadFactory.create_batch(3, owner=cast.rep)
    return first, second, third


def unmerge(record: Lead) -> None:
    everything = all_records(Lead).filter(pk=record.pk)
    everything.update(merged_at=None, merged_into=None, merged_into_contact=None)


def carry() -> set[RecordRef]:
    return carry_decisions_over(Subject.PERSON)


def state_of(pair: Pair) -> tuple[str, object, object]:
    pair.refresh_from_db()
    return pair.state, pair.decided_by, pair.follows_id


def test_what_was_said_of_a_record_holds_for_the_one_in_which_it_lives_on(cast: Cast) -> None:
    a, b, c = three(cast)
    said = decide_not_duplicate(make_pair(a, b), cast.rep)
    pair, other = make_pair(a, c), make_pair(c, LeadFactory())
    assert carry() == set()
    merge(b, c)
    assert carry() == {ref_of(a), ref_of(c)}
    assert state_of(pair) == (PairState.NOT_DUPLICATE, cast.rep, said.pk)
    assert (pair.decided_at, pair.is_likely) == (said.decided_at, True)
    assert state_of(other)[0] == PairState.OPEN
    assert carry() == set()
    unmerge(b)
    assert carry() == {ref_of(a), ref_of(c)}
    assert state_of(pair) == (PairState.OPEN, None, None)
    assert state_of(said)[0] == PairState.NOT_DUPLICATE


def test_it_follows_all_merges_to_their_end_also_to_a_contact(cast: Cast) -> None:
    a, b, c = three(cast)
    contact, last = ContactFactory.create_batch(2, owner=cast.rep)
    decide_not_duplicate(make_pair(a, b), cast.rep)
    pair = make_pair(last, a)
    merge(b, c)
    merge(c, contact)
    merge(contact, last)
    assert survivors_of([ref_of(b), ref_of(a), ref_of(last)]) == {ref_of(b): ref_of(last)}
    carry()
    assert state_of(pair)[0] == PairState.NOT_DUPLICATE


def test_both_may_have_been_merged_and_into_one_another_they_are_no_pair(cast: Cast) -> None:
    a, b, c = three(cast)
    d = LeadFactory()
    said = decide_not_duplicate(make_pair(a, b), cast.rep)
    pair = make_pair(c, d)
    merge(a, c)
    merge(b, d)
    carry()
    assert state_of(pair) == (PairState.NOT_DUPLICATE, cast.rep, said.pk)
    merge(d, c)
    # A person has merged them after all.
    carry()
    assert state_of(pair) == (PairState.OPEN, None, None)


def test_what_a_person_says_of_the_survivor_itself_stays(cast: Cast) -> None:
    a, b, c = three(cast)
    decide_not_duplicate(make_pair(a, b), cast.rep)
    own, taken_back = make_pair(a, c), make_pair(a, d := LeadFactory(owner=cast.rep))
    decide_not_duplicate(own, cast.manager)
    decide_not_duplicate(taken_back, cast.rep)
    reopen(taken_back, cast.rep)
    merge(b, c)
    carry()
    assert state_of(own) == (PairState.NOT_DUPLICATE, cast.manager, None)
    unmerge(b)
    merge(b, d)
    carry()
    assert state_of(taken_back)[:2] == (PairState.OPEN, None)
    assert state_of(own)[0] == PairState.NOT_DUPLICATE


def test_it_can_be_taken_back_of_the_survivor_alone(cast: Cast) -> None:
    a, b, c = three(cast)
    said = decide_not_duplicate(make_pair(a, b), cast.rep)
    pair = make_pair(a, c)
    merge(b, c)
    carry()
    reopen(pair, cast.rep)
    assert carry() == set()
    assert state_of(pair)[:2] == (PairState.OPEN, None)
    assert state_of(said)[0] == PairState.NOT_DUPLICATE


def test_where_the_word_itself_is_taken_back_nothing_holds_any_more(cast: Cast) -> None:
    a, b, c = three(cast)
    said = decide_not_duplicate(make_pair(a, b), cast.rep)
    pair = make_pair(a, c)
    merge(b, c)
    carry()
    Pair.objects.filter(pk=said.pk).update(state=PairState.OPEN)
    carry()
    assert state_of(pair)[0] == PairState.OPEN


def test_pairs_that_are_found_are_settled_as_they_are_written(committed_tenant: Tenant) -> None:
    cast = make_cast()
    add_people(60)
    a, b, c = (
        LeadFactory(
            owner=cast.rep, first_name="Katharina", last_name="Wyttenbach", company="Brunner",
            email=f"k.wyttenbach@brunner{number}.ch", phone="+41 44 555 12 34",
        )
        for number in range(3)
    )  # fmt: skip
    for subject in Subject:
        carry_out_run(request_run(subject), now=NOW)
    decide_not_duplicate(pair_of(a, b), cast.rep)
    assert pair_of(a, c).state == PairState.OPEN
    merge(b, c, at=NOW)
    match_changed(NOW + timedelta(minutes=1))
    assert (pair_of(a, c).state, pair_of(a, c).is_likely) == (PairState.NOT_DUPLICATE, False)
    carry_out_run(request_run(Subject.PERSON), now=NOW)
    assert pair_of(a, c).state == PairState.NOT_DUPLICATE
    assert pair_of(a, b).state == PairState.NOT_DUPLICATE
    unmerge(b)
    match_changed(NOW + timedelta(minutes=2))
    found = pair_of(a, c)
    assert (found.state, found.is_likely, found.decided_by) == (PairState.OPEN, True, None)
    assert pair_of(a, b).state == PairState.NOT_DUPLICATE
    assert Matcher.objects.filter(is_current=True).exists()
    assert Contact.objects.count() == 0
