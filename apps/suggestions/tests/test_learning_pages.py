"""The page of what was learned, its files, resets and the API: who sees what, and at what cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast, TenantClient
from apps.suggestions.enums import HeldBack, RejectReason, Segment, State, Verdict
from apps.suggestions.learning.enums import FollowedDays, QuietBecause
from apps.suggestions.learning.insights import Band, Counted, PersonRow, read_insights
from apps.suggestions.learning.models import FollowedOutcome, LearningReset
from apps.suggestions.models import Decision
from apps.suggestions.tests.cases import NOW, decided
from apps.suggestions.tests.factories import SuggestionFactory
from apps.users.models import User
from apps.users.tests.factories import UserFactory

ClientFor = Callable[[User], TenantClient]

PAGE = "/insights/learning/"
ASK = f"{PAGE}reset/"
RESET = f"{PAGE}reset/start/"
API = "/api/v1/learning/"
RESETS = f"{API}resets/"


def rejected(person: User, count: int = 20) -> None:
    decided(person, count, Verdict.REJECT, segment=Segment.SMALL, reason=RejectReason.NOT_NEEDED)


def test_a_manager_is_told_from_whom_it_was_learned(cast: Cast) -> None:
    decided(cast.rep, 3, Verdict.APPROVE)
    decided(cast.rep, 1, Verdict.APPROVE, is_edited=True)
    rejected(cast.teammate)
    found = read_insights(cast.manager, NOW)
    assert found.total == Counted(24, 4, 1)
    assert [(row.everybody, row.own) for row in found.kinds] == [
        (Counted(4, 4, 1), Counted()),
        (Counted(20, 0, 0), Counted()),
    ]
    assert found.people == (
        PersonRow(cast.teammate, Counted(20, 0, 0), 1),
        PersonRow(cast.rep, Counted(4, 4, 1), 0),
    )


def test_rejections_are_told_by_reason(cast: Cast) -> None:
    decided(cast.rep, 2, Verdict.REJECT, reason=RejectReason.BAD_TIMING)
    decided(cast.rep, 1, Verdict.REJECT, reason=RejectReason.NOT_NEEDED)
    decided(cast.teammate, 4, Verdict.REJECT, reason=RejectReason.WRONG_CHANGE, trigger="lead_new")
    first, second = read_insights(cast.manager, NOW).reasons
    assert (first.trigger, first.labelled[3]) == ("lead_new", ("Right idea, wrong change", 4))
    assert second.by_reason == {
        "not_needed": 1, "already_done": 0, "wrong_record": 0, "wrong_change": 0, "bad_timing": 2,
        "not_duplicate": 0,
    }  # fmt: skip
    assert read_insights(cast.rep, NOW).reasons == (second,)


def test_a_rep_is_told_their_own_and_sums_without_names(cast: Cast) -> None:
    decided(cast.rep, 3, Verdict.APPROVE)
    rejected(cast.teammate)
    found = read_insights(cast.rep, NOW)
    assert found.total == Counted(3, 3, 0)
    assert [(row.everybody.count, row.own.count, row.is_quiet) for row in found.kinds] == [
        (3, 3, False),
        (20, 0, False),
    ]
    assert (found.people, found.quiet) == ((), ())
    mate = read_insights(cast.teammate, NOW)
    assert [(row.people, row.because, row.count, row.approved) for row in mate.quiet] == [
        (("You",), QuietBecause.OWN, 20, 0)
    ]
    assert [row.is_quiet for row in mate.kinds] == [False, True]


def test_what_is_quiet_says_for_whom_and_how_much_waits(cast: Cast) -> None:
    rejected(cast.rep)
    rejected(cast.teammate, 30)
    for person in (cast.rep, cast.teammate, cast.outsider):
        SuggestionFactory(
            assignee=person,
            trigger="lead_inactive",
            segment="small",
            held_back=HeldBack.QUIET,
        )
    (row,) = read_insights(cast.manager, NOW).quiet
    assert row.people == tuple(sorted((str(cast.rep), str(cast.teammate))))
    assert (row.because, row.count, row.approved, row.held_back) == (QuietBecause.OWN, 50, 0, 2)


def test_what_several_decided_is_quiet_for_everybody_else(cast: Cast) -> None:
    three = [UserFactory() for _ in range(3)]
    for person in three:
        rejected(person)
        decided(person, 20, Verdict.APPROVE, trigger="deal_stalled")
    of_all = [
        row for row in read_insights(cast.manager, NOW).quiet if row.because == QuietBecause.ALL
    ]
    assert [(row.people, row.count) for row in of_all] == [
        (("Everybody who has not decided otherwise",), 60)
    ]
    (mine,) = read_insights(cast.rep, NOW).quiet
    assert (mine.people, mine.because) == (("You",), QuietBecause.ALL)


def test_whether_the_shown_confidence_came_true(cast: Cast) -> None:
    decided(cast.rep, 3, Verdict.APPROVE, confidence=0.7)
    decided(cast.rep, 1, Verdict.REJECT, confidence=0.75)
    decided(cast.teammate, 1, Verdict.REJECT, confidence=0.1)
    decided(cast.rep, 5, Verdict.APPROVE)
    low, high = read_insights(cast.manager, NOW).bands
    assert low == Band(1, 0.1, 0.0)
    assert (high.count, high.approved_0_1) == (4, 0.75)
    assert high.shown_0_1 == pytest.approx(0.7125)
    assert [band.count for band in read_insights(cast.rep, NOW).bands] == [4]


def test_the_page_says_what_was_learned(cast: Cast, client_for: ClientFor) -> None:
    decided(cast.rep, 18, Verdict.APPROVE, at=timezone.now())
    decided(cast.rep, 2, Verdict.REJECT, at=timezone.now())
    rejected(cast.teammate)
    page = client_for(cast.manager).get(PAGE)
    assert page.status_code == HTTPStatus.OK
    text = page.content.decode()
    for said in (
        "18 of 20", "From whom", str(cast.teammate), "their own decisions", "Too early",
        "trigger:lead_inactive",
    ):  # fmt: skip
        assert said in text
    mine = client_for(cast.rep).get(PAGE).content.decode()
    assert "18 of 20" in mine
    assert str(cast.teammate) not in mine
    assert "From whom" not in mine
    assert "Nothing is quiet for you" in mine


def test_without_decisions_the_page_says_what_would_stand_there(
    cast: Cast, client_for: ClientFor
) -> None:
    text = client_for(cast.rep).get(PAGE).content.decode()
    assert "Nothing has been decided yet" in text


def test_outcomes_stand_beside_acceptance(cast: Cast, client_for: ClientFor) -> None:
    suggestion = SuggestionFactory(
        trigger="lead_inactive",
        state=State.REJECTED,
        reviewed_by=cast.rep,
        reviewed_at=NOW,
    )
    FollowedOutcome.objects.create(
        suggestion=suggestion,
        days=FollowedDays.WEEK,
        decided_at=NOW,
        is_applied=False,
        answered=True,
        looked_at=NOW,
    )
    text = client_for(cast.rep).get(PAGE).content.decode()
    assert "1 rejected" in text
    assert "(1 of 1)" in text
    assert "Too early" not in text
    assert "1 rejected" not in client_for(cast.teammate).get(PAGE).content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_takes_as_many_queries_for_one_row_as_for_three(
    cast: Cast, client_for: ClientFor, count: int
) -> None:
    for number in range(count):
        for person in (cast.rep, UserFactory()):
            decided(person, 20, Verdict.REJECT, trigger=f"trigger_{number}", confidence=0.5)
        LearningReset.objects.create(
            scope="person",
            person=UserFactory(),
            reset_at=NOW - timedelta(days=1),
            reset_by=cast.manager,
        )
    client = client_for(cast.manager)
    client.get(PAGE)
    with CaptureQueriesContext(connection) as queries:
        client.get(PAGE)
    assert len(queries) == PAGE_QUERIES


PAGE_QUERIES = 16


@pytest.mark.parametrize(
    ("table", "first"),
    [
        ("kinds", "Trigger,Tool,At stake"),
        ("quiet", "Trigger,At stake,For"),
        ("reasons", "Trigger,Not needed,Already done"),
        ("people", "Person,Decided,Approved"),
        ("outcomes", "Trigger,After days"),
    ],
)
def test_each_table_is_a_file(cast: Cast, client_for: ClientFor, table: str, first: str) -> None:
    rejected(cast.rep)
    answer = client_for(cast.manager).get(f"{PAGE}{table}.csv")
    lines = b"".join(answer).decode().lstrip("\ufeff").splitlines()
    assert lines[0].startswith(first)
    assert len(lines) == {"outcomes": 1}.get(table, 2)


def test_a_reset_asks_first_and_is_on_record(cast: Cast, client_for: ClientFor) -> None:
    rejected(cast.rep)
    client = client_for(cast.manager)
    asked = client.get(ASK, {"target": "trigger:lead_inactive"})
    assert "20 decisions would not count any more" in asked.content.decode()
    assert LearningReset.objects.count() == 0
    done = client.post(RESET, {"target": "trigger:lead_inactive"})
    assert (done.status_code, done["Location"]) == (HTTPStatus.FOUND, PAGE)
    made = LearningReset.objects.get()
    assert (made.scope, made.key, made.person, made.reset_by) == (
        "trigger", "lead_inactive", None, cast.manager,
    )  # fmt: skip
    assert read_insights(cast.manager, timezone.now()).total == Counted()
    assert Decision.objects.count() == 20
    entry = AuditEntry.objects.get(event=Event.SETTINGS_CHANGED)
    assert entry.actor_id == cast.manager.pk
    assert entry.details == {
        "setting": "learning",
        "scope": "trigger",
        "key": "lead_inactive",
        "person_id": None,
        "change": "reset",
    }


def test_a_look_resets_nothing(cast: Cast, client_for: ClientFor) -> None:
    assert client_for(cast.manager).get(RESET).status_code == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize("target", ["tenant", "trigger:lead_inactive", "tool:create_followup"])
def test_a_rep_resets_their_own_alone(cast: Cast, client_for: ClientFor, target: str) -> None:
    client = client_for(cast.rep)
    others = f"person:{cast.teammate.pk}"
    for asked in (target, others):
        assert client.post(RESET, {"target": asked}).status_code == HTTPStatus.FORBIDDEN
        assert client.get(ASK, {"target": asked}).status_code == HTTPStatus.FORBIDDEN
    assert LearningReset.objects.count() == 0
    assert AuditEntry.objects.filter(event=Event.PERMISSION_REFUSED).count() == 4
    client.post(RESET, {"target": f"person:{cast.rep.pk}"})
    assert LearningReset.objects.get().person == cast.rep


@pytest.mark.parametrize(
    "target", ["", "everything", "trigger:", "trigger:none", "tool:none", "person:x", "person:0"]
)
def test_what_there_is_not_is_not_reset(cast: Cast, client_for: ClientFor, target: str) -> None:
    client = client_for(cast.manager)
    answer = client.post(RESET, {"target": target})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert LearningReset.objects.count() == 0


def test_the_api_tells_the_same(cast: Cast, client_for: ClientFor) -> None:
    rejected(cast.rep)
    told = client_for(cast.manager).get(API).json()
    assert told["total"] == {"count": 20, "approved": 0, "edited": 0}
    assert told["quiet"] == [
        {
            "trigger": "lead_inactive",
            "segment": "small",
            "people": [str(cast.rep)],
            "because": "own",
            "count": 20,
            "approved": 0,
            "held_back": 0,
        }
    ]
    assert told["people"] == [
        {
            "person": cast.rep.pk,
            "name": str(cast.rep),
            "counted": {"count": 20, "approved": 0, "edited": 0},
            "quiet_kinds": 1,
        }
    ]
    mate = client_for(cast.teammate).get(API).json()
    assert (mate["total"]["count"], mate["people"], mate["quiet"]) == (0, [], [])
    assert mate["kinds"][0]["everybody"]["count"] == 20


@pytest.mark.parametrize(
    ("body", "scope"),
    [
        ({"scope": "tenant"}, ("tenant", "")),
        ({"scope": "trigger", "key": "lead_inactive"}, ("trigger", "lead_inactive")),
        ({"scope": "tool", "key": "create_followup"}, ("tool", "create_followup")),
    ],
)
def test_the_api_resets(
    cast: Cast, client_for: ClientFor, body: dict[str, str], scope: tuple[str, str]
) -> None:
    client = client_for(cast.manager)
    answer = client.post(RESETS, body, content_type="application/json")
    assert answer.status_code == HTTPStatus.CREATED
    made = LearningReset.objects.get()
    assert ((made.scope, made.key), answer.json()["id"]) == (scope, made.pk)
    assert AuditEntry.objects.get(event=Event.SETTINGS_CHANGED).origin == "api"
    listed = client_for(cast.rep).get(RESETS).json()["results"]
    assert [row["id"] for row in listed] == [made.pk]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"scope": "all"}, {"scope": "trigger"}, {"scope": "trigger", "person": 1},
        {"scope": "tenant", "key": "lead_inactive"}, {"scope": "person", "key": "x"},
        {"scope": "tenant", "more": 1},
    ],
)  # fmt: skip
def test_the_api_refuses_what_names_no_scope(
    cast: Cast, client_for: ClientFor, body: dict[str, object]
) -> None:
    answer = client_for(cast.manager).post(RESETS, body, content_type="application/json")
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert LearningReset.objects.count() == 0


def test_another_persons_reset_is_for_managers_to_see(cast: Cast, client_for: ClientFor) -> None:
    for person in (cast.rep, cast.teammate):
        LearningReset.objects.create(
            scope="person", person=person, reset_at=NOW, reset_by=cast.manager
        )
    seen = {
        reader: [row["person"] for row in client_for(reader).get(RESETS).json()["results"]]
        for reader in (cast.rep, cast.manager)
    }
    assert seen == {
        cast.rep: [cast.rep.pk],
        cast.manager: [cast.teammate.pk, cast.rep.pk],
    }
