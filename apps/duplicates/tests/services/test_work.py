"""Looks at everything, carried out as runs: what is stored, what is kept, what is gone."""

from __future__ import annotations

import pytest
from django.utils import timezone

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.models import Lead
from apps.crm.tests.factories import LeadFactory
from apps.duplicates.enums import PairState, RunKind, Subject
from apps.duplicates.exceptions import MatchPermissionError
from apps.duplicates.models import MatchCursor, Matcher, MatchRun, Pair, RecordKeys
from apps.duplicates.services.starting import start_run, stop_run
from apps.duplicates.services.work import carry_out_run, request_night, request_run
from apps.duplicates.tests.pairs import add_people, add_twins, pair_of
from apps.tenants.work.enums import WorkStatus
from apps.tenants.work.exceptions import WorkUnderWayError

pytestmark = pytest.mark.django_db


def look(subject: Subject = Subject.PERSON) -> MatchRun:
    run = request_run(subject)
    carry_out_run(run, now=timezone.now())
    run.refresh_from_db()
    return run


def test_a_lead_who_is_a_contact_already_is_found(cast: Cast) -> None:
    add_people(60)
    contact, lead = add_twins()
    run = look()
    pair = pair_of(contact, lead)
    assert (run.status, run.message) == (
        WorkStatus.SUCCEEDED,
        "62 records were compared: 1 likely pairs, 1 new and 0 gone.",
    )
    assert (run.steps_done, run.steps_total) == (8, 9)
    assert (pair.survivor_kind, pair.survivor_id) == ("contact", contact.pk)
    assert (pair.duplicate_kind, pair.duplicate_id) == ("lead", lead.pk)
    assert (pair.state, pair.is_likely, pair.cluster) == (PairState.OPEN, True, pair.pk)
    assert pair.probability > 0.95
    assert pair.weights["email"] > 5
    assert Pair.objects.likely().count() == 1
    assert RecordKeys.objects.count() == 62
    assert MatchCursor.objects.get().subject == Subject.PERSON
    assert Matcher.objects.current(Subject.PERSON) == pair.matcher


def test_a_second_look_changes_nothing_but_the_matcher(cast: Cast) -> None:
    add_people(60)
    contact, lead = add_twins()
    look()
    first = pair_of(contact, lead)
    run = look()
    second = pair_of(contact, lead)
    assert (run.pairs_found, run.pairs_gone) == (0, 0)
    assert (second.pk, second.found_at) == (first.pk, first.found_at)
    assert second.matcher is not None
    assert second.matcher.number == 2


def test_what_is_no_longer_alike_is_gone_and_may_come_back(cast: Cast) -> None:
    add_people(60)
    contact, lead = add_twins()
    look()
    theirs = {
        "first_name": "Bo",
        "last_name": "Ek",
        "email": "bo@ek.se",
        "phone": "",
        "company": "",
    }
    ours = {name: getattr(lead, name) for name in theirs}
    Lead.objects.filter(pk=lead.pk).update(**theirs)
    assert look().pairs_gone == 1
    assert pair_of(contact, lead).state == PairState.GONE
    Lead.objects.filter(pk=lead.pk).update(**ours)
    assert look().pairs_found == 1
    assert pair_of(contact, lead).state == PairState.OPEN


def test_a_merged_record_is_in_no_pair_and_back_when_it_is_undone(cast: Cast) -> None:
    add_people(60)
    contact, lead = add_twins()
    third = LeadFactory(
        first_name="Katharina",
        last_name="Wyttenbach",
        email="k.wyttenbach@brunner-maschinen.ch",
        company="Brunner Maschinenbau AG",
        phone="",
    )
    look()
    assert Pair.objects.likely().count() == 3
    every = Lead._base_manager.filter(pk=lead.pk)
    every.update(merged_into_contact=contact, merged_at=timezone.now())
    look()
    assert pair_of(contact, lead).state == PairState.MERGED
    assert pair_of(third, lead).state == PairState.GONE
    assert pair_of(contact, third).state == PairState.OPEN
    every.update(merged_into_contact=None, merged_at=None)
    look()
    assert set(Pair.objects.values_list("state", flat=True)) == {PairState.OPEN}


@pytest.mark.parametrize("subject", list(Subject))
def test_an_empty_company_has_no_pairs(cast: Cast, subject: Subject) -> None:
    assert look(subject).message == "0 records were compared: 0 likely pairs, 0 new and 0 gone."


def test_of_three_people_none_is_taken_for_another(cast: Cast) -> None:
    add_people(3)
    run = look()
    assert run.status == WorkStatus.SUCCEEDED
    assert not Pair.objects.likely().exists()


def test_a_night_is_a_look_at_people_and_one_at_companies(cast: Cast) -> None:
    runs = request_night()
    assert [(run.kind, run.subject) for run in runs] == [
        (RunKind.FULL, Subject.PERSON),
        (RunKind.FULL, Subject.COMPANY),
    ]
    assert request_night() == []


def test_a_manager_starts_and_stops_a_look_and_a_rep_does_not(cast: Cast) -> None:
    with pytest.raises(MatchPermissionError):
        start_run(Subject.PERSON, cast.rep)
    run = start_run(Subject.PERSON, cast.manager)
    with pytest.raises(WorkUnderWayError):
        start_run(Subject.PERSON, cast.manager)
    stop_run(run, cast.manager)
    run.refresh_from_db()
    assert (run.status, run.requested_by) == (WorkStatus.CANCELLED, cast.manager)
    events = AuditEntry.objects.filter(event__startswith="match_run.").order_by("id")
    assert list(events.values_list("event", flat=True)) == [
        Event.MATCH_RUN_REQUESTED,
        Event.MATCH_RUN_STOPPED,
    ]
