"""What the system did since yesterday began."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.conftest import Cast
from apps.crm.tests.factories import LeadFactory
from apps.dashboard.asked import Asked
from apps.dashboard.enums import Scope
from apps.dashboard.news import News, TriggerNews, read_news
from apps.dashboard.tests.figures import asked_by
from apps.suggestions.enums import HeldBack, State
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.cases import put_in
from apps.suggestions.tests.factories import SuggestionFactory
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.models import Scan
from apps.users.models import User


def note(event: Event, suggestion: Suggestion) -> None:
    record_event(Actor.for_system("tests"), Entry(event, suggestion_id=suggestion.pk))


def made(assignee: User | None, **fields: object) -> Suggestion:
    """A suggestion that has just been made, on record."""
    suggestion: Suggestion = SuggestionFactory(
        assignee=assignee, lead=LeadFactory(owner=assignee), **fields
    )
    note(Event.SUGGESTION_CREATED, suggestion)
    return suggestion


def news(asked: Asked) -> News:
    return read_news(asked, sees_scans=True)


def test_what_was_found_held_back_and_withdrawn_by_trigger(cast: Cast) -> None:
    made(cast.rep, trigger="lead_inactive")
    made(cast.rep, trigger="lead_inactive", held_back=HeldBack.DAILY_CAP)
    gone = made(cast.rep, trigger="lead_new", state=State.WITHDRAWN)
    note(Event.SUGGESTION_WITHDRAWN, gone)
    made(cast.teammate)
    old = SuggestionFactory(assignee=cast.rep, trigger="lead_new", state=State.WITHDRAWN)
    note(Event.SUGGESTION_WITHDRAWN, old)
    found = news(asked_by(cast.manager))
    assert found.triggers == (
        TriggerNews("Lead gone quiet", found=2, held_back=1, withdrawn=0),
        TriggerNews("New lead", found=1, held_back=0, withdrawn=2),
        TriggerNews("Other", found=1, held_back=0, withdrawn=0),
    )
    assert (found.found, found.held_back, found.withdrawn) == (4, 1, 2)


def test_what_was_applied_and_what_ran_out(cast: Cast) -> None:
    # One of the three was taken back.
    for state in (State.APPLIED, State.APPLIED, State.UNDONE):
        done = put_in(SuggestionFactory(assignee=cast.rep), state, cast.rep)
        note(Event.EXECUTION_SUCCEEDED, done)
    note(Event.SUGGESTION_EXPIRED, SuggestionFactory(assignee=cast.rep))
    found = news(asked_by(cast.rep, Scope.ME))
    assert (found.applied, found.expired, found.found) == (2, 1, 0)


def test_it_is_of_the_people_asked_for_and_of_records_that_are_seen(cast: Cast) -> None:
    made(cast.rep)
    made(cast.teammate)
    made(cast.outsider)
    given_away = made(cast.rep)
    given_away_lead = LeadFactory(owner=cast.outsider)
    Suggestion.objects.filter(pk=given_away.pk).update(record_id=given_away_lead.pk)
    assert news(asked_by(cast.rep, Scope.ME)).found == 1
    assert news(asked_by(cast.rep, Scope.TEAM)).found == 2
    assert news(asked_by(cast.manager)).found == 4


def test_the_day_before_yesterday_is_past(cast: Cast) -> None:
    made(cast.rep)
    tomorrow, day_after = (timezone.now() + timedelta(days=days) for days in (1, 2))
    assert news(asked_by(cast.manager, now=tomorrow)).found == 1
    assert news(asked_by(cast.manager, now=day_after)).found == 0


def test_the_last_scan_is_for_those_who_may_see_it(cast: Cast) -> None:
    scan = Scan.objects.create(
        kind=ScanKind.FULL, status=ScanStatus.SUCCEEDED, finished_at=timezone.now()
    )
    asked = asked_by(cast.rep, Scope.ME)
    assert read_news(asked, sees_scans=True).last_scan == scan
    assert read_news(asked, sees_scans=False).last_scan is None
