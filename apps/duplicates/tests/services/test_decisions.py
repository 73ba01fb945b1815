"""What people say of pairs: remembered, kept apart in clusters, on record, and only of what they see."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.models import Contact, Lead
from apps.crm.tests.factories import ActivityFactory
from apps.duplicates.enums import PairState, Subject
from apps.duplicates.exceptions import PairNotFoundError, PairStateError
from apps.duplicates.models import Pair
from apps.duplicates.services.decisions import decide_not_duplicate, reopen
from apps.duplicates.services.judging import current_document, explain
from apps.duplicates.services.standing import read_standings
from apps.duplicates.services.work import carry_out_run, request_run
from apps.duplicates.survivorship import values
from apps.duplicates.tests.pairs import add_people, add_twins, pair_of, ref_of
from apps.execution.tools.base import to_json
from apps.execution.tools.merging import MergeDuplicates

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def found_twins() -> tuple[Contact, Lead, Pair]:
    add_people(60)
    contact, lead = add_twins()
    look()
    return contact, lead, pair_of(contact, lead)


def look() -> None:
    carry_out_run(request_run(Subject.PERSON), now=NOW)


def test_what_was_decided_stays_and_can_be_taken_back(cast: Cast) -> None:
    contact, lead, pair = found_twins()
    decided = decide_not_duplicate(pair, cast.rep)
    assert (decided.state, decided.decided_by, decided.is_likely, decided.cluster) == (
        PairState.NOT_DUPLICATE, cast.rep, False, None,
    )  # fmt: skip
    look()
    assert pair_of(contact, lead).state == PairState.NOT_DUPLICATE
    reopened = reopen(pair, cast.rep)
    assert (reopened.state, reopened.decided_by, reopened.is_likely) == (
        PairState.OPEN, None, True,
    )  # fmt: skip
    events = AuditEntry.objects.filter(event__startswith="pair.").order_by("id")
    assert list(events.values_list("event", "record_id")) == [
        (Event.PAIR_NOT_DUPLICATE, contact.pk),
        (Event.PAIR_REOPENED, contact.pk),
    ]


def test_who_does_not_see_both_records_decides_nothing(cast: Cast) -> None:
    _, lead, pair = found_twins()
    Lead.objects.filter(pk=lead.pk).update(owner=cast.outsider)
    assert not Pair.objects.visible_to(cast.rep).exists()
    with pytest.raises(PairNotFoundError):
        decide_not_duplicate(pair, cast.rep)
    assert list(Pair.objects.visible_to(cast.manager)) == [pair]


def test_a_merged_pair_is_not_decided_and_an_open_one_not_reopened(cast: Cast) -> None:
    _, _, pair = found_twins()
    with pytest.raises(PairStateError):
        reopen(pair, cast.rep)
    Pair.objects.update(state=PairState.MERGED)
    with pytest.raises(PairStateError):
        decide_not_duplicate(pair, cast.rep)


def test_two_addresses_that_both_answered_are_two_people(cast: Cast) -> None:
    contact, lead, _ = found_twins()
    Lead.objects.filter(pk=lead.pk).update(email="katharina.wyttenbach@brunner-maschinen.ch")
    for days, record in ((3, {"contact": contact}), (40, {"lead": lead})):
        ActivityFactory(
            activity_kind="email",
            direction="inbound",
            occurred_at=NOW - timedelta(days=days),
            counterpart_address="",
            **record,
        )
    look()
    pair = pair_of(contact, lead)
    assert (pair.has_conflict, pair.is_likely, pair.cluster) == (True, False, None)
    assert pair.probability > 0.9


def test_a_pair_is_explained_from_the_records_as_they_are_now(cast: Cast) -> None:
    _, lead, pair = found_twins()
    Lead.objects.filter(pk=lead.pk).update(email="")
    explained = explain(pair, current_document(Subject.PERSON))
    assert explained is not None
    assert "email" not in {item.field.value for item in explained.strongest}


def test_the_survivor_takes_what_it_lacks_and_the_address_that_answered(cast: Cast) -> None:
    contact, lead, pair = found_twins()
    Contact.objects.filter(pk=contact.pk).update(title="", notes="Met in Bern.")
    Lead.objects.filter(pk=lead.pk).update(
        title="Buyer", notes="Wants a quote.", email="kw@brunner-maschinen.ch"
    )
    ActivityFactory(
        activity_kind="email",
        direction="inbound",
        occurred_at=NOW,
        counterpart_address="",
        lead=lead,
    )
    contact.refresh_from_db()
    lead.refresh_from_db()
    fields = MergeDuplicates.writes[contact.kind] & MergeDuplicates.writes[lead.kind]
    kept, other = (
        {name: to_json(getattr(record, name)) for name in fields} for record in (contact, lead)
    )
    standings = read_standings((pair.survivor, pair.duplicate))
    proposed = values(fields, kept, other, standings[ref_of(contact)], standings[ref_of(lead)])
    assert {item.field: (item.value, item.reason) for item in proposed} == {
        "email": ("kw@brunner-maschinen.ch", "This address answered, the survivor’s did not."),
        "notes": ("Met in Bern.\n\nWants a quote.", "Both are kept."),
        "title": ("Buyer", "The survivor says nothing of it."),
    }
