"""What changed is compared with all: the same pairs as a look at everything with the same matcher."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.conftest import Cast, make_cast
from apps.crm.enums import LeadStatus, RecordKind
from apps.crm.models import Lead
from apps.crm.tests.factories import AccountFactory, ActivityFactory, ContactFactory
from apps.duplicates.enums import PairState, RunKind, Subject
from apps.duplicates.matching import candidates
from apps.duplicates.matching.documents import MatcherDocument
from apps.duplicates.matching.keys import EDITION
from apps.duplicates.models import MatchCursor, Matcher, MatchRun, Pair, RecordKeys
from apps.duplicates.services import keying
from apps.duplicates.services.changes import Changed, match_records, read_changed
from apps.duplicates.services.judging import document_of
from apps.duplicates.services.matching import match_all
from apps.duplicates.services.probe import look_alikes
from apps.duplicates.services.work import carry_out_run, match_changed, request_run
from apps.duplicates.tests.pairs import add_people, add_twins, pair_of, ref_of
from apps.duplicates.tests.services.test_probe import TYPED
from apps.execution.schemas import RecordRef
from apps.tenants.models import Tenant
from apps.tenants.transactions import read_snapshot
from apps.tenants.work.enums import WorkStatus

NOW = timezone.now()
Step = Callable[[random.Random], list[RecordRef]]


def stored() -> dict[str, tuple[Any, ...]]:
    """What pairs say, their clusters by who is in them."""
    members: dict[int, set[str]] = {}
    for pair in Pair.objects.exclude(cluster=None):
        members.setdefault(pair.cluster or 0, set()).add(pair.key)
    return {
        pair.key: (
            pair.state,
            round(pair.probability, 9),
            pair.is_likely,
            pair.has_conflict,
            str(pair.survivor),
            pair.weights,
            sorted(members.get(pair.cluster or 0, ())),
        )
        for pair in Pair.objects.exclude(state=PairState.GONE)
    }


def keys() -> dict[tuple[str, int], list[int]]:
    rows = RecordKeys.objects.values_list("record_kind", "record_id", "keys")
    return {(kind, record_id): held for kind, record_id, held in rows}


def look_at_all() -> Matcher:
    """A first look, with the weights that are usual."""
    match_all(Subject.PERSON, now=NOW, tell=lambda stage: None)
    matcher = Matcher.objects.current(Subject.PERSON)
    assert matcher is not None
    return matcher


def look_at(refs: list[RecordRef], matcher: Matcher) -> None:
    match_records(Subject.PERSON, Changed(frozenset(refs), 0), matcher, read(matcher), now=NOW)


def look_again(matcher: Matcher) -> None:
    match_all(
        Subject.PERSON,
        now=NOW,
        tell=lambda stage: None,
        document=read(matcher),
        most_per_key=matcher.most_per_key,
    )


def read(matcher: Matcher) -> MatcherDocument:
    document = document_of(matcher)
    assert document is not None
    return document


def test_a_new_twin_is_found_among_the_others(cast: Cast) -> None:
    add_people(60)
    matcher = look_at_all()
    contact, lead = add_twins()
    look_at([ref_of(contact), ref_of(lead)], matcher)
    pair = pair_of(contact, lead)
    assert (pair.state, pair.is_likely, pair.found_by) == (PairState.OPEN, True, "change")
    found = stored()
    look_again(matcher)
    assert stored() == found


def test_a_lead_that_is_converted_is_no_duplicate_of_its_contact(cast: Cast) -> None:
    add_people(60)
    matcher = look_at_all()
    contact, lead = add_twins()
    look_at([ref_of(contact), ref_of(lead)], matcher)
    Lead.objects.filter(pk=lead.pk).update(
        status=LeadStatus.CONVERTED, converted_contact=contact.pk
    )
    look_at([ref_of(lead)], matcher)
    assert pair_of(contact, lead).state == PairState.GONE
    assert ("lead", lead.pk) not in keys()
    found = stored()
    look_again(matcher)
    assert stored() == found


def renamed(choice: random.Random) -> list[RecordRef]:
    """A lead takes the name, the address or the number of another."""
    lead, other = choice.sample(list(Lead.objects.order_by("pk")), 2)
    names = choice.sample(["first_name", "last_name", "email", "phone", "company"], 3)
    Lead.objects.filter(pk=lead.pk).update(**{name: getattr(other, name) for name in names})
    return [ref_of(lead)]


def added(choice: random.Random) -> list[RecordRef]:
    """Somebody is typed in as a contact who is there as a lead, with a letter left out."""
    lead = choice.choice(list(Lead.objects.order_by("pk")))
    contact = ContactFactory(
        first_name=lead.first_name,
        last_name=lead.last_name[1:],
        email=lead.email,
        phone=choice.choice([lead.phone, ""]),
        account=AccountFactory(name=f"{lead.company} AG"),
    )
    return [ref_of(contact)]


def removed(choice: random.Random) -> list[RecordRef]:
    lead = choice.choice(list(Lead.objects.order_by("pk")))
    ref = ref_of(lead)
    lead.delete()
    return [ref]


def merged(choice: random.Random) -> list[RecordRef]:
    lead, other = choice.sample(list(Lead.objects.order_by("pk")), 2)
    Lead.objects.filter(pk=lead.pk).update(merged_into=other, merged_at=NOW)
    return [ref_of(lead), ref_of(other)]


def wrote(choice: random.Random) -> list[RecordRef]:
    """Mail came in: who has answered, and what hangs on whom, are others now."""
    lead = choice.choice(list(Lead.objects.order_by("pk")))
    ActivityFactory(
        lead=lead, activity_kind="email", direction="inbound", occurred_at=NOW - timedelta(days=3)
    )
    return [ref_of(lead)]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("each_with_each", [1_500, 0])
def test_random_histories_are_told_as_by_a_look_at_everything(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, seed: int, each_with_each: int
) -> None:
    """By keys too: there, how common each key is follows the records."""
    for module in (candidates, keying):
        monkeypatch.setattr(module, "MOST_RECORDS_EACH_WITH_EACH", each_with_each)
    choice = random.Random(seed)
    add_people(40)
    matcher = look_at_all()
    # With a limit that keys really cross.
    if not each_with_each:
        matcher.most_per_key = 4
        look_again(matcher)
        assert Matcher.objects.get(is_current=True).most_per_key == 4
    matcher = Matcher.objects.get(is_current=True)
    for _ in range(8):
        refs = [ref for _ in range(3) for ref in choice.choice(STEPS)(choice)]
        look_at(refs, matcher)
    found, held = stored(), keys()
    look_again(matcher)
    assert found == stored()
    assert held == keys()


STEPS: tuple[Step, ...] = (renamed, added, removed, merged, wrote)


def test_a_matcher_of_another_version_is_learned_anew(committed_tenant: Tenant) -> None:
    add_people(5)
    for subject in Subject:
        carry_out_run(request_run(subject), now=NOW)
    Matcher.objects.update(document={"format_version": 0})
    assert [run.subject for run in match_changed(NOW)] == list(Subject)
    add_twins()
    assert len(look_alikes(TYPED, RecordKind.LEAD, make_cast().manager).named) == 2


def test_keys_of_another_edition_are_made_anew(committed_tenant: Tenant) -> None:
    add_people(5)
    for subject in Subject:
        carry_out_run(request_run(subject), now=NOW)
    assert match_changed(NOW) == []
    MatchCursor.objects.filter(subject=Subject.PERSON).update(keys_edition=EDITION - 1)
    held = keys()
    RecordKeys.objects.update(keys=[1])
    (run,) = match_changed(NOW)
    assert (run.kind, run.subject) == (RunKind.FULL, Subject.PERSON)
    carry_out_run(run, now=NOW)
    assert keys() == held
    assert match_changed(NOW) == []


def test_what_changed_is_read_from_the_log_and_put_on_the_ledger(committed_tenant: Tenant) -> None:
    add_people(60)
    (run, *_) = match_changed(NOW)
    assert (run.kind, run.subject) == (RunKind.FULL, Subject.PERSON)
    for wanted in MatchRun.objects.all():
        carry_out_run(wanted, now=NOW)
    assert match_changed(NOW) == []
    contact, lead = add_twins()
    assert match_changed(NOW) == []
    assert pair_of(contact, lead).state == PairState.OPEN
    look = MatchRun.objects.filter(kind=RunKind.CHANGES, subject=Subject.PERSON).get()
    assert (look.status, look.message, look.pairs_found) == (
        WorkStatus.SUCCEEDED,
        "2 changed records were compared.",
        1,
    )
    assert match_changed(NOW) == []
    assert MatchRun.objects.filter(kind=RunKind.CHANGES).count() == 2
    with CaptureQueriesContext(connection) as asked:
        assert match_changed(NOW) == []
    # Nothing changed, so nobody asks what was said of pairs.
    assert not [query for query in asked if '"follows_id"' in query["sql"]]


def test_an_account_that_is_renamed_renames_the_company_of_its_contacts(
    committed_tenant: Tenant,
) -> None:
    contact, _ = add_twins()
    MatchCursor.objects.create(subject=Subject.PERSON, transaction_id=read_snapshot().oldest_open)
    assert contact.account is not None
    contact.account.name = "Meier Maschinenbau AG"
    contact.account.save()
    changed = read_changed(Subject.PERSON)
    assert changed is not None
    assert changed.refs == {ref_of(contact)}
