"""Sending digests to a real mail server: who gets one, when, how often, and what becomes of a failed one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from aisha.celery import app
from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast, make_cast
from apps.crm.tests.factories import LeadFactory
from apps.operations.tests.serving import free_port
from apps.suggestions.digest.delivering import Outcome, deliver
from apps.suggestions.digest.enums import DigestStatus
from apps.suggestions.digest.exceptions import (
    AlreadySentError,
    DigestNotSentError,
    MailNotSetUpError,
    NoAddressError,
    NothingToTellError,
)
from apps.suggestions.digest.models import DigestPreference, DigestSchedule, DigestSent
from apps.suggestions.digest.rules import LOST_AFTER, due_at, is_due, next_try_at
from apps.suggestions.digest.sending import give_up_lost, send_due, send_now
from apps.suggestions.digest.tasks import send_all_digests
from apps.suggestions.tests.factories import SuggestionFactory
from apps.suggestions.tests.mail_server import Inbox, mail_server
from apps.tenants.calendar import WorkingCalendar
from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Module
from apps.tenants.exceptions import ModuleOffError
from apps.tenants.models import ModuleGate, Tenant
from apps.tenants.tests.threads import at_once
from apps.users.models import User

BERLIN = ZoneInfo("Europe/Berlin")
TODAY = date(2026, 11, 26)
# A Thursday in winter.
AT = datetime(2026, 11, 26, 7, 35, tzinfo=BERLIN)


@pytest.fixture
def inbox(settings: Settings) -> Iterator[Inbox]:
    with mail_server(settings) as taken:
        yield taken


def switch_on(**values: object) -> None:
    DigestSchedule.objects.update_or_create(pk=1, defaults={"is_on": True, **values})


def waiting(person: User, **fields: object) -> None:
    SuggestionFactory(assignee=person, lead=LeadFactory(owner=person), **fields)


def statuses() -> list[tuple[str, date, str]]:
    rows = DigestSent.objects.order_by("id").select_related("person")
    return [(row.person.username, row.local_day, row.status) for row in rows]


def test_the_mail_has_both_parts_and_the_headers(inbox: Inbox, cast: Cast, acme: Tenant) -> None:
    waiting(cast.rep, title="Write to Anna", reason="Nobody wrote for weeks.")
    send_now(cast.rep, acme, AT)
    mail = inbox.mail
    assert inbox.recipients == ["rep@acme.test"]
    assert (mail["To"], mail["Subject"]) == ("rep@acme.test", "1 suggestion waits for you")
    assert mail["From"] == "AiSHA <aisha@localhost>"
    assert mail.get_content_type() == "multipart/alternative"
    link = mail["List-Unsubscribe"].strip(" <>")
    assert link.startswith("http://acme.localhost:8000/digest/unsubscribe/")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        text = inbox.part(kind)
        for wanted in ("Write to Anna", "Nobody wrote for weeks.", "Acme", link):
            assert wanted in text


def test_links_are_on_the_tenants_host(
    inbox: Inbox, cast: Cast, acme: Tenant, settings: Settings
) -> None:
    settings.LINK_SCHEME, settings.LINK_PORT = "https", 0
    waiting(cast.rep)
    send_now(cast.rep, acme, AT)
    assert "https://acme.localhost/suggestions/" in inbox.part("plain")
    assert inbox.mail["List-Unsubscribe"].strip().startswith("<https://acme.localhost/digest/")


def test_the_schedule_is_off_by_default(inbox: Inbox, cast: Cast, acme: Tenant) -> None:
    waiting(cast.rep)
    assert send_due(acme, AT) == []
    assert (inbox.mails, statuses()) == ([], [])


def test_who_has_something_to_read_gets_it_at_the_hour(
    inbox: Inbox, cast: Cast, acme: Tenant
) -> None:
    switch_on()
    waiting(cast.rep)
    assert send_due(acme, AT.replace(hour=7, minute=29)) == []
    send_due(acme, AT)
    # The manager and the administrator read of everyone's.
    assert sorted(inbox.recipients) == ["admin@acme.test", "manager@acme.test", "rep@acme.test"]
    assert [status for status in statuses() if status[2] == "nothing"] == [
        ("teammate", TODAY, "nothing"), ("outsider", TODAY, "nothing"),
    ]  # fmt: skip
    # Nobody gets a second one, nor is asked again what there would be to tell.
    assert send_due(acme, AT + timedelta(minutes=10)) == []
    assert len(inbox.mails) == 3


def test_who_unsubscribed_left_or_has_no_address_gets_none(
    inbox: Inbox, cast: Cast, acme: Tenant
) -> None:
    switch_on()
    for person in (cast.rep, cast.teammate, cast.outsider):
        waiting(person)
    DigestPreference.objects.create(person=cast.rep, is_on=False)
    User.objects.filter(pk=cast.teammate.pk).update(is_active=False)
    User.objects.filter(pk=cast.admin.pk).update(email="")
    cast.manager.groups.clear()
    send_due(acme, AT)
    assert inbox.recipients == ["outsider@acme.test"]


def test_an_hour_of_ones_own_is_on_ones_own_clock(inbox: Inbox, cast: Cast, acme: Tenant) -> None:
    switch_on()
    for person in (cast.rep, cast.teammate):
        waiting(person)
    DigestPreference.objects.create(person=cast.rep, send_at=time(16, 0))
    User.objects.filter(pk=cast.teammate.pk).update(time_zone="America/Los_Angeles")
    User.objects.exclude(pk__in=[cast.rep.pk, cast.teammate.pk]).update(email="")
    assert send_due(acme, AT) == []
    send_due(acme, AT.replace(hour=16, minute=5))
    assert inbox.recipients == ["rep@acme.test"]
    # Half past seven in Los Angeles is half past four in Berlin, on the same day.
    send_due(acme, AT.replace(hour=16, minute=30))
    assert inbox.recipients == ["rep@acme.test", "teammate@acme.test"]


def test_a_day_begins_on_the_persons_own_calendar(inbox: Inbox, cast: Cast, acme: Tenant) -> None:
    User.objects.filter(pk=cast.rep.pk).update(time_zone="Pacific/Auckland")
    waiting(cast.rep)
    send_now(User.objects.get(pk=cast.rep.pk), acme, datetime(2026, 11, 26, 12, tzinfo=UTC))
    assert statuses() == [("rep", date(2026, 11, 27), "sent")]


def test_on_days_off_none_is_sent(inbox: Inbox, cast: Cast, acme: Tenant) -> None:
    switch_on()
    waiting(cast.rep)
    acme.working_week, acme.holidays = "12345", [TODAY]
    saturday = AT + timedelta(days=2)
    assert send_due(acme, AT) == send_due(acme, saturday) == []
    switch_on(working_days_only=False)
    send_due(acme, saturday)
    assert "rep@acme.test" in inbox.recipients


def test_a_company_without_suggestions_sends_none(inbox: Inbox, cast: Cast, acme: Tenant) -> None:
    switch_on()
    waiting(cast.rep)
    ModuleGate.objects.filter(tenant=acme, module=Module.SUGGESTIONS).update(is_on=False)
    assert send_due(acme, AT) == []
    with pytest.raises(ModuleOffError):
        send_now(cast.rep, acme, AT)


def test_an_empty_tenant_sends_none(inbox: Inbox, acme: Tenant) -> None:
    switch_on()
    assert send_due(acme, AT) == []


@pytest.mark.parametrize(
    ("day", "send_at", "moment"),
    [
        # The clocks go from 2 to 3: half past two comes as much later as they skip.
        (date(2027, 3, 28), time(2, 30), "2027-03-28T01:30:00+00:00"),
        (date(2027, 3, 28), time(7, 30), "2027-03-28T05:30:00+00:00"),
        # From 3 back to 2: the first half past two of the two.
        (date(2026, 10, 25), time(2, 30), "2026-10-25T00:30:00+00:00"),
        (date(2026, 10, 25), time(7, 30), "2026-10-25T06:30:00+00:00"),
    ],
)
def test_the_hour_on_days_on_which_the_clocks_change(day: date, send_at: time, moment: str) -> None:
    assert due_at(day, send_at, BERLIN).isoformat() == moment


@pytest.mark.parametrize("day", [date(2027, 3, 28), date(2026, 10, 25)])
def test_half_past_two_comes_once_on_such_a_day(
    day: date, inbox: Inbox, cast: Cast, acme: Tenant
) -> None:
    switch_on(send_at=time(2, 30))
    User.objects.exclude(pk=cast.rep.pk).update(email="")
    midnight = datetime.combine(day, time(), tzinfo=BERLIN).astimezone(UTC)
    waiting(cast.rep)
    sent_at = [
        minutes
        for minutes in range(0, 8 * 60, 10)
        if send_due(acme, midnight + timedelta(minutes=minutes))
    ]
    assert (sent_at, len(inbox.mails)) == ([150], 1)


def test_a_late_worker_sends_for_four_hours(cast: Cast) -> None:
    def due(hour: int, minute: int) -> bool:
        now = AT.replace(hour=hour, minute=minute)
        return is_due(now, send_at=time(7, 30), zone=BERLIN, calendar=None)

    assert [due(7, 29), due(7, 30), due(11, 29), due(11, 30)] == [False, True, True, False]


def test_is_due_asks_the_calendar_of_the_persons_day() -> None:
    calendar = WorkingCalendar(holidays=frozenset({TODAY}))
    in_auckland = ZoneInfo("Pacific/Auckland")
    # Friday the 27th there, while it is still Thursday the 26th here.
    now = datetime(2026, 11, 26, 19, tzinfo=UTC)
    assert is_due(now, send_at=time(7, 30), zone=in_auckland, calendar=calendar)
    assert not is_due(now, send_at=time(19, 30), zone=BERLIN, calendar=calendar)


def test_one_a_day_by_hand_too(inbox: Inbox, cast: Cast, acme: Tenant) -> None:
    switch_on()
    waiting(cast.rep)
    send_now(cast.rep, acme, AT.replace(hour=6))
    with pytest.raises(AlreadySentError, match=r"sent at \d\d:\d\d"):
        send_now(cast.rep, acme, AT)
    send_due(acme, AT)
    assert inbox.recipients.count("rep@acme.test") == 1
    send_now(cast.rep, acme, AT + timedelta(days=1))
    assert inbox.recipients.count("rep@acme.test") == 2


def test_with_nothing_to_tell_the_button_sends_none(inbox: Inbox, cast: Cast, acme: Tenant) -> None:
    with pytest.raises(NothingToTellError):
        send_now(cast.rep, acme, AT)
    assert (inbox.mails, statuses()) == ([], [])


def test_after_a_morning_with_nothing_to_tell_the_button_still_sends(
    inbox: Inbox, cast: Cast, acme: Tenant
) -> None:
    switch_on()
    send_due(acme, AT)
    waiting(cast.rep)
    send_now(cast.rep, acme, AT.replace(hour=15))
    assert inbox.recipients == ["rep@acme.test"]


def test_without_a_mail_server_or_an_address_the_button_says_so(
    cast: Cast, acme: Tenant, settings: Settings
) -> None:
    waiting(cast.rep)
    User.objects.filter(pk=cast.teammate.pk).update(email="")
    with pytest.raises(NoAddressError):
        send_now(User.objects.get(pk=cast.teammate.pk), acme, AT)
    settings.SENDS_MAIL = False
    with pytest.raises(MailNotSetUpError, match="EMAIL_URL"):
        send_now(cast.rep, acme, AT)
    switch_on()
    assert send_due(acme, AT) == []


def test_sent_is_on_record(inbox: Inbox, cast: Cast, acme: Tenant) -> None:
    waiting(cast.rep)
    send_now(cast.rep, acme, AT)
    entry = AuditEntry.objects.get(event=Event.DIGEST_SENT)
    assert entry.actor_id == cast.rep.pk
    assert entry.details == {
        "person_id": cast.rep.pk, "day": "2026-11-26", "rows": 1, "attempt": 1,
    }  # fmt: skip


def test_an_unreachable_server_fails_on_record_and_is_tried_again(
    cast: Cast, acme: Tenant, settings: Settings
) -> None:
    switch_on()
    waiting(cast.rep)
    waiting(cast.teammate)
    User.objects.filter(pk__in=[cast.admin.pk, cast.manager.pk]).update(email="")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    send_due(acme, AT)
    # The first one found it out; the others wait for the next round.
    (row,) = DigestSent.objects.all()
    assert (row.status, row.error_code) == ("failed", "mail_server_unreachable")
    assert row.next_try_at == AT + timedelta(minutes=15)
    entry = AuditEntry.objects.get(event=Event.DIGEST_FAILED)
    assert entry.details["code"] == "mail_server_unreachable"
    assert entry.details["will_be_tried_again"] is True
    with mail_server(settings) as inbox:
        send_due(acme, AT + timedelta(minutes=10))
        assert inbox.recipients == ["teammate@acme.test"]
        send_due(acme, AT + timedelta(minutes=20))
        send_due(acme, AT + timedelta(minutes=30))
    assert inbox.recipients == ["teammate@acme.test", "rep@acme.test"]
    assert [status for *_, status in statuses() if status != "nothing"] == ["sent", "sent"]


def test_the_button_says_that_the_server_is_down(
    cast: Cast, acme: Tenant, settings: Settings
) -> None:
    waiting(cast.rep)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    with pytest.raises(DigestNotSentError, match="does not answer") as caught:
        send_now(cast.rep, acme, AT)
    assert (caught.value.code, caught.value.status) == ("mail_server_unreachable", 502)
    # The person may press again at once.
    with mail_server(settings) as inbox:
        send_now(cast.rep, acme, AT + timedelta(minutes=1))
    assert inbox.recipients == ["rep@acme.test"]


def test_tries_end_after_the_fifth() -> None:
    waits = [next_try_at(AT, attempts) for attempts in range(1, 6)]
    minutes = [None if at is None else (at - AT).total_seconds() / 60 for at in waits]
    assert minutes == [15, 30, 60, 120, None]


@pytest.mark.parametrize(
    ("recipient_answer", "answer", "outcome"),
    [
        ("550 no such person", "250 OK", Outcome(DigestStatus.FAILED, "address_refused")),
        ("250 OK", "554 not today", Outcome(DigestStatus.FAILED, "mail_refused")),
        # The server has it and could not say so: never a second time.
        ("250 OK", "", Outcome(DigestStatus.UNKNOWN, "connection_lost")),
        ("250 OK", "250 OK", Outcome(DigestStatus.SENT)),
    ],
)
def test_what_the_server_says_is_what_is_known(
    recipient_answer: str, answer: str, outcome: Outcome, inbox: Inbox
) -> None:
    inbox.recipient_answer, inbox.answer = recipient_answer, answer
    message = EmailMultiAlternatives(subject="Hello", body="Text", to=["a@acme.test"])
    assert deliver(message) == outcome


def test_what_may_have_arrived_is_not_sent_again(inbox: Inbox, cast: Cast, acme: Tenant) -> None:
    switch_on()
    User.objects.exclude(pk=cast.rep.pk).update(email="")
    waiting(cast.rep)
    inbox.answer = ""
    send_due(acme, AT)
    inbox.answer = "250 OK"
    assert statuses() == [("rep", TODAY, "unknown")]
    assert send_due(acme, AT + timedelta(hours=1)) == []
    with pytest.raises(AlreadySentError):
        send_now(cast.rep, acme, AT + timedelta(hours=1))
    assert len(inbox.mails) == 1


@pytest.mark.parametrize(
    "address", ["rep@acme.test\nBcc: x@evil.test", "rep@acme.test\r\nX: y", "nobody", "a b@c.test"]
)
def test_an_address_that_is_none_injects_no_header(
    address: str, inbox: Inbox, cast: Cast, acme: Tenant
) -> None:
    waiting(cast.rep)
    cast.rep.email = address
    with pytest.raises(DigestNotSentError, match="cannot stand in the head"):
        send_now(cast.rep, acme, AT)
    row = DigestSent.objects.get()
    assert (inbox.mails, row.error_code, row.next_try_at) == ([], "header_refused", None)


def test_a_tenants_name_injects_no_header(inbox: Inbox, cast: Cast, acme: Tenant) -> None:
    waiting(cast.rep)
    acme.name = "Acme\nBcc: x@evil.test"
    send_now(cast.rep, acme, AT)
    assert (inbox.recipients, inbox.mail["Bcc"]) == (["rep@acme.test"], None)


def test_a_worker_that_died_has_perhaps_sent(inbox: Inbox, cast: Cast, acme: Tenant) -> None:
    switch_on()
    waiting(cast.rep)
    DigestSent.objects.create(
        person=cast.rep, local_day=TODAY, status=DigestStatus.SENDING, claimed_at=AT
    )
    give_up_lost(AT + LOST_AFTER)
    assert statuses() == [("rep", TODAY, "sending")]
    send_due(acme, AT + LOST_AFTER + timedelta(seconds=1))
    assert statuses()[0] == ("rep", TODAY, "unknown")
    assert "rep@acme.test" not in inbox.recipients
    entry = AuditEntry.objects.get(event=Event.DIGEST_FAILED)
    assert (entry.details["code"], entry.details["will_be_tried_again"]) == ("worker_lost", False)


def test_two_workers_at_once_send_one(committed_tenant: Tenant, settings: Settings) -> None:
    cast = make_cast()
    switch_on()
    for person in (cast.rep, cast.teammate):
        waiting(person)
    User.objects.exclude(pk__in=[cast.rep.pk, cast.teammate.pk]).update(email="")
    # The company's clock is in UTC.
    now = AT + timedelta(hours=1)
    with mail_server(settings) as inbox:
        done = at_once(committed_tenant, [lambda: send_due(committed_tenant, now)] * 2)
    assert [error for error in done if isinstance(error, BaseException)] == []
    assert sorted(inbox.recipients) == ["rep@acme.test", "teammate@acme.test"]
    assert {status for *_, status in statuses()} == {"sent"}


def test_two_workers_at_once_try_a_failed_one_again_once(
    committed_tenant: Tenant, settings: Settings
) -> None:
    cast = make_cast()
    switch_on()
    waiting(cast.rep)
    User.objects.exclude(pk=cast.rep.pk).update(email="")
    failed = {"status": DigestStatus.FAILED, "claimed_at": AT, "finished_at": AT}
    DigestSent.objects.create(person=cast.rep, local_day=TODAY, next_try_at=AT, **failed)
    with mail_server(settings) as inbox:
        at_once(committed_tenant, [lambda: send_due(committed_tenant, AT)] * 2)
    row = DigestSent.objects.get()
    assert (inbox.recipients, row.attempts, row.status) == (["rep@acme.test"], 2, "sent")


@pytest.fixture
def tasks_at_once() -> Iterator[None]:
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def test_beat_asks_the_tenants_whose_schedule_is_on(
    inbox: Inbox, cast: Cast, globex: Tenant, globex_cast: Cast, tasks_at_once: None
) -> None:
    waiting(cast.rep)
    with globex:
        waiting(globex_cast.rep)
        User.objects.exclude(pk=globex_cast.rep.pk).update(email="")
        User.objects.filter(pk=globex_cast.rep.pk).update(email="rep@globex.test")
        now = timezone.localtime(timezone=globex.zone).time().replace(second=0, microsecond=0)
        switch_on(send_at=now, working_days_only=False)
    tenant_connection().set_schema_to_public()
    send_all_digests(expire_seconds=600)
    assert inbox.recipients == ["rep@globex.test"]
    assert "http://globex.localhost:8000/" in inbox.part("plain")


def test_each_person_takes_the_same_few_statements(
    inbox: Inbox, cast: Cast, acme: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    switch_on()
    people = [cast.rep, cast.teammate, cast.outsider]
    for person in people:
        waiting(person)
    for_round, for_person = 8, 21
    for count in (1, 3):
        chosen = [person.pk for person in people[:count]]
        User.objects.exclude(pk__in=chosen).update(email="")
        User.objects.filter(pk__in=chosen).update(email="x@acme.test")
        with django_assert_num_queries(for_round + for_person * count):
            assert len(send_due(acme, AT + timedelta(days=count))) == count
