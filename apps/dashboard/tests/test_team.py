"""The team view: everybody who has or did something."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.conftest import Cast
from apps.crm.tests.factories import LeadFactory, OpportunityFactory, TaskFactory
from apps.dashboard.aging import StageLimits
from apps.dashboard.asked import Asked
from apps.dashboard.enums import Scope
from apps.dashboard.team import Standing, Worth, read_team
from apps.dashboard.tests.figures import asked_by, closed_deal, moved_deal
from apps.suggestions.enums import HeldBack, State, Verdict
from apps.suggestions.models import Decision
from apps.suggestions.tests.factories import SuggestionFactory
from apps.users.models import User


def team(asked: Asked) -> tuple[Standing, ...]:
    return read_team(asked, StageLimits.read())


def decide(person: User, verdict: Verdict) -> None:
    suggestion = SuggestionFactory(assignee=None, state=State.WITHDRAWN)
    Decision.objects.create(
        suggestion=suggestion, verdict=verdict, decided_by=person, goal=suggestion.goal, tool="x"
    )


def test_each_persons_work_is_counted(cast: Cast) -> None:
    today = timezone.localdate()
    moved_deal("engaging", days_ago=50, owner=cast.rep, amount=Decimal(100))
    OpportunityFactory(owner=cast.rep, amount=Decimal(20), currency="EUR")
    OpportunityFactory(owner=cast.rep, amount=None)
    closed_deal("won", today, 70, owner=cast.rep)
    closed_deal("lost", today, 5, owner=cast.rep)
    closed_deal("won", today - timedelta(days=90), 9, owner=cast.rep)
    TaskFactory(owner=cast.rep, due_on=today - timedelta(days=2))
    TaskFactory(owner=cast.rep, due_on=today)
    SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep))
    SuggestionFactory(assignee=cast.rep, held_back=HeldBack.DAILY_CAP)
    for verdict in (Verdict.APPROVE, Verdict.REJECT, Verdict.SNOOZE):
        decide(cast.rep, verdict)
    assert team(asked_by(cast.manager)) == (
        Standing(
            person=cast.rep,
            opened=(Worth("USD", 2, Decimal(100)), Worth("EUR", 1, Decimal(20))),
            won=(Worth("USD", 1, Decimal(70)),),
            beyond=1,
            overdue_tasks=1,
            waiting=1,
            decided=2,
        ),
    )


def test_a_team_is_its_members_and_what_nobody_owns_is_everyones(cast: Cast) -> None:
    OpportunityFactory(owner=cast.outsider)
    OpportunityFactory(owner=None)
    OpportunityFactory.create_batch(2, owner=cast.rep)
    everyone = [row.person for row in team(asked_by(cast.manager))]
    assert everyone == [cast.rep, cast.outsider, None]
    # The manager's own team is the outsider's.
    assert [row.person for row in team(asked_by(cast.manager, Scope.TEAM))] == [cast.outsider]


def test_the_number_of_queries_does_not_grow_with_people(cast: Cast) -> None:
    asked, limits, counts = asked_by(cast.manager), StageLimits.read(), []
    for owner in (cast.rep, cast.teammate, cast.outsider):
        OpportunityFactory(owner=owner)
        with CaptureQueriesContext(connection) as queries:
            read_team(asked, limits)
        counts.append(len(queries))
    assert counts == [7, 7, 7]
