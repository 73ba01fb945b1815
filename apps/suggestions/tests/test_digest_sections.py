"""What a digest says: for whom, of what, how much of it, and in which words."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.brain.enums import Goal
from apps.conftest import Cast
from apps.crm.tests.factories import LeadFactory
from apps.suggestions.digest import sections
from apps.suggestions.digest.composing import Digest, Part, compose, write_mail
from apps.suggestions.digest.enums import DigestStatus
from apps.suggestions.digest.models import DigestSent
from apps.suggestions.enums import HeldBack, State
from apps.suggestions.models import Suggestion
from apps.suggestions.services.moves import record, withdraw
from apps.suggestions.tests.cases import put_in
from apps.suggestions.tests.discovered import fire
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.models import Tenant
from apps.users.models import User

NOW = timezone.now()


def waiting(person: User | None, **fields: object) -> Suggestion:
    """A suggestion in the person's queue, for a lead of theirs."""
    made: Suggestion = SuggestionFactory(assignee=person, lead=LeadFactory(owner=person), **fields)
    return made


def digest_of(person: User, tenant: Tenant, now: datetime = NOW) -> Digest:
    return compose(person, tenant, now)


def part_of(digest: Digest, key: str) -> Part:
    (found,) = [part for part in digest.parts if part.key == key]
    return found


def told(digest: Digest, key: str) -> list[str]:
    return [row.text for group in part_of(digest, key).groups for row in group.rows]


def test_with_nothing_to_tell_there_are_no_parts(cast: Cast, acme: Tenant) -> None:
    waiting(cast.outsider)
    assert digest_of(cast.rep, acme).parts == ()


def test_what_waits_stands_by_goal_the_best_goal_first(cast: Cast, acme: Tenant) -> None:
    waiting(cast.rep, title="Third", rank=1, goal=Goal.MOVE_DEAL)
    waiting(cast.rep, title="Second", rank=2, goal=Goal.REVIVE_LEAD)
    waiting(cast.rep, title="First", rank=3, goal=Goal.MOVE_DEAL)
    digest = digest_of(cast.rep, acme)
    groups = part_of(digest, "waiting").groups
    assert [(group.title, [row.text for row in group.rows]) for group in groups] == [
        ("Get the deal moving", ["First", "Third"]),
        ("Revive the lead", ["Second"]),
    ]
    assert digest.subject == "3 suggestions wait for you"


def test_a_row_tells_value_and_reason_and_leads_to_the_suggestion(cast: Cast, acme: Tenant) -> None:
    made = waiting(cast.rep, value_at_stake=Decimal("4514.50"), currency="EUR", reason="Quiet.")
    (row,) = part_of(digest_of(cast.rep, acme), "waiting").groups[0].rows
    assert (row.path, row.note) == (f"/suggestions/{made.pk}/", "4,514.50\u00a0€ · Quiet.")


def test_only_what_the_person_may_see(cast: Cast, acme: Tenant) -> None:
    """The same rule as the queue: a colleague's is not theirs, a record given away is hidden."""
    waiting(cast.rep, title="Mine")
    waiting(cast.teammate, title="A colleague's")
    waiting(cast.outsider, title="Another team's")
    given_away = waiting(cast.rep, title="Given away")
    type(LeadFactory()).objects.filter(pk=given_away.record_id).update(owner=cast.outsider)
    assert told(digest_of(cast.rep, acme), "waiting") == ["Mine"]


def test_a_suggestion_that_names_a_hidden_record_is_left_out(cast: Cast, acme: Tenant) -> None:
    waiting(cast.rep, title="Mine")
    other = LeadFactory(owner=cast.outsider)
    waiting(cast.rep, title="Names another", guard_values={f"lead:{other.pk}": {"status": "new"}})
    digest = digest_of(cast.rep, acme)
    assert told(digest, "waiting") == ["Mine"]
    assert digest.subject == "1 suggestion waits for you"


def test_who_steers_everyones_work_reads_of_everyones(cast: Cast, acme: Tenant) -> None:
    waiting(cast.rep, reason="Quiet.")
    digest = digest_of(cast.manager, acme)
    assert digest.subject == "1 suggestion waits for a decision"
    assert part_of(digest, "waiting").title == "Waiting for a decision"
    (row,) = part_of(digest, "waiting").groups[0].rows
    assert row.note == "1,000\u00a0$ · Rita Rep · Quiet."


def test_no_more_than_the_best_few_and_how_many_more(cast: Cast, acme: Tenant) -> None:
    for number in range(20):
        waiting(cast.rep, rank=number)
    part = part_of(digest_of(cast.rep, acme), "waiting")
    assert len([row for group in part.groups for row in group.rows]) == 8
    assert (part.more, part.path) == ("and 12 more", "/suggestions/?view=mine")


def test_what_is_held_back(cast: Cast, acme: Tenant) -> None:
    waiting(cast.rep, title="Later", held_back=HeldBack.DAILY_CAP)
    digest = digest_of(cast.rep, acme)
    (row,) = part_of(digest, "held_back").groups[0].rows
    assert (row.text, row.note) == (
        "Later",
        "1,000\u00a0$ · Above the day's number for this person",
    )
    assert digest.subject == "What happened since yesterday"


def test_what_was_closed_since(cast: Cast, acme: Tenant) -> None:
    gone, decided = waiting(cast.rep, title="Gone"), waiting(cast.rep)
    reopened, colleagues = waiting(cast.rep), waiting(cast.teammate)
    system = Actor.for_system("tests")
    for suggestion in (gone, reopened, colleagues):
        withdraw(suggestion, system)
    Suggestion.objects.filter(pk=reopened.pk).update(state=State.REJECTED, **decided_by(cast.rep))
    put_in(decided, State.REJECTED, cast.rep)
    part = part_of(digest_of(cast.rep, acme, timezone.now()), "closed")
    assert part.title == "Withdrawn or expired since yesterday"
    assert [(row.text, row.note) for group in part.groups for row in group.rows] == [
        ("Gone", "Withdrawn · The reason no longer holds.")
    ]


def decided_by(person: User) -> dict[str, object]:
    return {"reviewed_by": person, "reviewed_at": NOW}


def test_what_expired_since_is_told_and_what_did_before_is_not(cast: Cast, acme: Tenant) -> None:
    made = waiting(cast.rep)
    Suggestion.objects.filter(pk=made.pk).update(
        state=State.EXPIRED, closed_because="Nobody decided in time."
    )
    record(Actor.for_system("tests"), Event.SUGGESTION_EXPIRED, made)
    now = timezone.now()
    part = part_of(digest_of(cast.rep, acme, now), "closed")
    assert part.groups[0].rows[0].note == "Expired · Nobody decided in time."
    assert digest_of(cast.rep, acme, now + timedelta(days=2)).parts == ()


def test_what_was_applied_since(cast: Cast, acme: Tenant) -> None:
    mine, by_manager = waiting(cast.rep, title="Mine"), waiting(cast.rep, title="By Mona")
    put_in(mine, State.APPLIED, cast.rep)
    put_in(by_manager, State.APPLIED, cast.manager)
    at = timezone.localtime(timezone=acme.zone).replace(2026, 11, 25, 14, 10, 0, 0)
    Suggestion.objects.filter(pk=mine.pk).update(applied_at=at)
    Suggestion.objects.filter(pk=by_manager.pk).update(applied_at=at - timedelta(minutes=1))
    part = part_of(digest_of(cast.rep, acme, at + timedelta(hours=17)), "applied")
    assert [(row.text, row.note) for group in part.groups for row in group.rows] == [
        ("Mine", "1,000\u00a0$ · approved by you, 25 Nov 14:10"),
        ("By Mona", f"1,000\u00a0$ · approved by {cast.manager}, 25 Nov 14:09"),
    ]


@pytest.mark.parametrize(
    ("days_ago", "title"),
    [
        (1, "Applied for you since yesterday"),
        (3, "Applied for you since Mon 23 Nov"),
        # News of a longer absence would be a list.
        (30, "Applied for you since Thu 19 Nov"),
    ],
)
def test_news_begin_where_the_digest_before_ended(
    days_ago: int, title: str, cast: Cast, acme: Tenant
) -> None:
    now = datetime(2026, 11, 26, 7, 30, tzinfo=acme.zone)
    before = now - timedelta(days=days_ago)
    sent = {"status": DigestStatus.SENT, "claimed_at": before, "finished_at": before}
    DigestSent.objects.create(person=cast.rep, local_day=before.date(), **sent)
    made = put_in(waiting(cast.rep), State.APPLIED, cast.rep)
    Suggestion.objects.filter(pk=made.pk).update(applied_at=now - timedelta(hours=1))
    assert part_of(digest_of(cast.rep, acme, now), "applied").title == title


def test_times_are_in_the_persons_zone(cast: Cast, acme: Tenant) -> None:
    cast.rep.time_zone = "America/Los_Angeles"
    now = datetime(2026, 11, 26, 7, 30, tzinfo=acme.zone)
    assert digest_of(cast.rep, acme, now).day == "Wednesday, 25 November 2026"
    assert digest_of(cast.teammate, acme, now).day == "Thursday, 26 November 2026"


def test_hostile_names_are_text(cast: Cast, acme: Tenant) -> None:
    title = "<script>alert(1)</script>\r\nBcc: x@evil.example \u202ehttps://evil.example/a"
    waiting(cast.rep, title=title, reason="See www.evil.example, or mail bad@evil.example")
    mail = write_mail(digest_of(cast.rep, acme))
    assert "<script" not in mail.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Bcc: x" in mail.html
    for text in (mail.text, mail.html):
        # Nothing that a mail program would make a link of, and nothing that turns the line round.
        assert "evil.example" not in text
        assert "\u202e" not in text
        assert "evil\u200b.\u200bexample" in text
        assert "https\u200b:\u200b//evil" in text
    assert "\r" not in mail.text


def test_amounts_and_sentences_are_left_as_they_are() -> None:
    assert sections.plain("Deal of 4,514.50 $. Write today.") == "Deal of 4,514.50 $. Write today."


def test_the_subject_names_nothing_of_a_record(cast: Cast, acme: Tenant) -> None:
    made = waiting(cast.rep, title="Write to Secret Person")
    digest = digest_of(cast.rep, acme)
    assert digest.subject == "1 suggestion waits for you"
    assert made.title in write_mail(digest).html


def test_a_mail_loads_nothing_from_anywhere(cast: Cast, acme: Tenant) -> None:
    waiting(cast.rep)
    html = write_mail(digest_of(cast.rep, acme)).html
    for sign in ("<img", "<link", "<script", "<style", "src=", "url(", "background"):
        assert sign not in html


def test_a_section_has_a_key_of_its_own() -> None:
    with pytest.raises(ValueError, match="'waiting' already"):
        sections.register_section(sections.WaitingSection)


@pytest.mark.parametrize("count", [1, 3])
def test_a_digest_takes_as_many_queries_for_one_row_as_for_three(
    count: int, cast: Cast, acme: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        waiting(cast.rep)
        waiting(cast.rep, held_back=HeldBack.DAILY_CAP)
        put_in(waiting(cast.rep), State.APPLIED, cast.rep)
    person = User.objects.get(pk=cast.rep.pk)
    with django_assert_num_queries(12):
        digest = compose(person, acme, timezone.now())
    assert digest.rows_count == 3 * count


def test_a_thousand_suggestions_take_no_more_queries_and_are_counted_no_further(
    cast: Cast, acme: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    lead = LeadFactory(owner=cast.rep)
    row = SuggestionFactory(assignee=cast.rep, lead=lead)
    copies = []
    for number in range(1, 1020):
        copy = Suggestion.objects.get(pk=row.pk)
        copy.pk, copy.record_id = None, lead.pk + 1_000_000 + number
        copies.append(copy)
    Suggestion.objects.bulk_create(copies)
    person = User.objects.get(pk=cast.rep.pk)
    with django_assert_num_queries(14):
        digest = compose(person, acme, NOW)
    assert digest.subject == "more than 1,000 suggestions wait for you"
    assert part_of(digest, "waiting").more == "and more than 992 more"


def test_what_was_discovered_stands_by_kind_and_then_by_record(cast: Cast, acme: Tenant) -> None:
    lead = LeadFactory(owner=cast.rep, last_name="Winter", estimated_value=Decimal(1500))
    fire("lead_hot", lead, NOW)
    fire("lead_hot", LeadFactory(owner=cast.teammate), NOW)
    digest = digest_of(cast.rep, acme)
    of_kinds, of_records = part_of(digest, "discovered").groups
    assert [(row.text, row.path) for row in of_kinds.rows] == [
        ("Hot leads: 1", "/discovered/?discovery=hot_lead&owner=me")
    ]
    assert of_kinds.rows[0].note == "1,500\u00a0$ · 1 new to you"
    assert (of_records.title, len(of_records.rows)) == ("Strongest first", 1)
    row = of_records.rows[0]
    assert (row.path, row.note) == (
        lead.get_absolute_url(),
        "Lead · 1,500\u00a0$ · Lead shows interest",
    )
    mail = write_mail(digest)
    assert "DISCOVERED\n" in mail.text
    assert "Hot leads: 1" in mail.text
    assert "Hot leads: 1" in mail.html
    manager = part_of(digest_of(cast.manager, acme), "discovered")
    assert manager.groups[0].rows[0].text == "Hot leads: 2"


def test_more_records_than_are_shown_lead_to_the_page(cast: Cast, acme: Tenant) -> None:
    for _ in range(10):
        fire("lead_hot", LeadFactory(owner=cast.rep), NOW)
    part = part_of(digest_of(cast.rep, acme), "discovered")
    assert (part.more, part.path) == ("and 2 more", "/discovered/?owner=me")
