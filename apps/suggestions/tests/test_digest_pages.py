"""The pages of the digest: preview and sending, the schedule, what was sent, a person's own wishes."""

from __future__ import annotations

import csv
import io
from datetime import date, time, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.tests.factories import LeadFactory
from apps.crm.tests.pages import words
from apps.operations.tests.serving import free_port
from apps.suggestions.digest.enums import DigestStatus
from apps.suggestions.digest.models import DigestPreference, DigestSchedule, DigestSent
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.models import Tenant
from apps.users.models import User

DIGEST = "/digest/"


def waiting(person: User, **fields: object) -> None:
    SuggestionFactory(assignee=person, lead=LeadFactory(owner=person), **fields)


def sent(person: User, **values: Any) -> DigestSent:
    now = timezone.now()
    given = {"local_day": timezone.localdate(), "status": DigestStatus.SENT, "finished_at": now}
    return DigestSent.objects.create(person=person, claimed_at=now, **given | values)


def test_the_preview_shows_subject_and_text(cast: Cast, client_for: Any) -> None:
    waiting(cast.rep, title="Write to Anna")
    answer = client_for(cast.rep).get(DIGEST)
    assert "1 suggestion waits for you" in words(answer)
    assert "* Write to Anna" in words(answer)
    assert 'src="/digest/mail/"' in answer.content.decode()
    assert mail.outbox == []


def test_with_nothing_to_tell_there_is_no_button(cast: Cast, client_for: Any) -> None:
    answer = client_for(cast.rep).get(DIGEST)
    assert "Nothing to tell today" in words(answer)
    assert "Send it to me now" not in words(answer)


def test_the_frame_holds_the_mail_and_may_do_nothing(cast: Cast, client_for: Any) -> None:
    waiting(cast.rep, title="Write to Anna")
    answer = client_for(cast.rep).get("/digest/mail/")
    assert "Write to Anna" in answer.content.decode()
    policy = answer.headers["Content-Security-Policy"]
    assert "style-src 'unsafe-inline'" in policy
    assert "script-src 'none'" in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_the_button_sends_and_then_is_gone(cast: Cast, client_for: Any) -> None:
    waiting(cast.rep)
    client = client_for(cast.rep)
    answer = client.post("/digest/send/", follow=True)
    assert "Sent to rep@acme.test." in words(answer)
    assert "Send it to me now" not in words(answer)
    (message,) = mail.outbox
    assert message.to == ["rep@acme.test"]
    again = client.post("/digest/send/")
    assert (again.status_code, len(mail.outbox)) == (409, 1)
    assert "There is at most one a day; nothing was sent again." in words(again)


def test_a_server_that_is_down_is_told_on_the_page(
    cast: Cast, client_for: Any, settings: Settings
) -> None:
    waiting(cast.rep)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    answer = client_for(cast.rep).post("/digest/send/")
    assert answer.status_code == 502
    assert "The mail server does not answer. Nothing was sent." in words(answer)
    assert "Send it to me now" in words(answer)


def test_a_role_without_suggestions_has_no_digest(cast: Cast, client_for: Any) -> None:
    cast.rep.groups.clear()
    client = client_for(User.objects.get(pk=cast.rep.pk))
    for path in (DIGEST, "/digest/mail/", "/digest/schedule/", "/digest/sent/"):
        assert client.get(path).status_code == 403, path
    assert client.post("/digest/send/").status_code == 403
    assert "Digest" not in words(client.get("/profile/"))


def test_a_rep_neither_sets_the_schedule_nor_reads_the_list(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.rep)
    for path in ("/digest/schedule/", "/digest/sent/", "/digest/sent/export.csv"):
        assert client.get(path).status_code == 403, path
    assert client.post("/digest/schedule/", {"is_on": "on"}).status_code == 403
    assert not DigestSchedule.objects.exists()


def test_a_manager_switches_the_schedule_on(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.manager)
    page = client.get("/digest/schedule/")
    assert "No digests are sent by themselves." in words(page)
    posted = {"is_on": "on", "send_at": "08:00", "revision_read": "0"}
    answer = client.post("/digest/schedule/", posted, follow=True)
    assert "Digests are sent at 08:00." in words(answer)
    schedule = DigestSchedule.objects.get()
    assert (schedule.is_on, schedule.send_at, schedule.working_days_only, schedule.revision) == (
        True, time(8), False, 1,
    )  # fmt: skip
    entry = AuditEntry.objects.get(event=Event.SETTINGS_CHANGED)
    assert entry.details == {
        "setting": "digest_schedule",
        "before": {"is_on": False, "send_at": "07:30", "working_days_only": True},
        "after": {"is_on": True, "send_at": "08:00", "working_days_only": False},
    }
    # Saved from a page that is older: nothing is written.
    stale = client.post("/digest/schedule/", {**posted, "send_at": "09:00"})
    assert (stale.status_code, DigestSchedule.objects.get().send_at) == (409, time(8))
    assert "Somebody changed the schedule since you opened this page." in words(stale)


@pytest.mark.parametrize("send_at", ["", "07:31", "25:00", "x"])
def test_an_hour_that_is_none_is_refused(send_at: str, cast: Cast, client_for: Any) -> None:
    posted = {"is_on": "on", "send_at": send_at, "revision_read": "0"}
    answer = client_for(cast.admin).post("/digest/schedule/", posted)
    assert (answer.status_code, DigestSchedule.objects.count()) == (422, 0)


def test_a_person_chooses_an_hour_or_none_at_all(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.rep)
    page = client.get("/profile/")
    assert "Your company sends none at present." in words(page)
    client.post("/digest/preference/", {"is_on": "on", "send_at": "16:30"})
    wish = DigestPreference.objects.get()
    assert (wish.person, wish.is_on, wish.send_at) == (cast.rep, True, time(16, 30))
    entry = AuditEntry.objects.get(event=Event.SETTINGS_CHANGED)
    assert entry.details == {"setting": "digest", "is_on": True, "send_at": "16:30"}
    answer = client.post("/digest/preference/", {"send_at": ""}, follow=True)
    assert "Digest saved." in words(answer)
    assert DigestPreference.objects.get().is_on is False
    left = AuditEntry.objects.get(event=Event.DIGEST_UNSUBSCRIBED)
    assert left.details == {"person_id": cast.rep.pk, "via": "profile"}
    refused = client.post("/digest/preference/", {"is_on": "on", "send_at": "4"}, follow=True)
    assert "That is no hour of the list." in words(refused)
    assert DigestPreference.objects.get().is_on is False


def test_what_was_sent_is_listed_and_narrowed(cast: Cast, client_for: Any) -> None:
    old = timezone.localdate() - timedelta(days=20)
    first = sent(cast.rep, local_day=old)
    failed = sent(cast.teammate, status=DigestStatus.FAILED, error_code="mail_server_unreachable")
    client = client_for(cast.manager)
    page = client.get("/digest/sent/")
    assert [row for row, _ in page.context["rows"]] == [failed, first]
    assert "The mail server does not answer. Nothing was sent." in words(page)
    for asked, wanted in (
        ({"status": "failed"}, [failed]),
        ({"person": cast.rep.pk}, [first]),
        ({"period": "7"}, [failed]),
        ({"status": "nonsense"}, [failed, first]),
        ({"page": "99"}, [failed, first]),
    ):
        rows = client.get("/digest/sent/", asked).context["rows"]
        assert [row for row, _ in rows] == wanted, asked


def test_the_list_as_a_file(cast: Cast, client_for: Any) -> None:
    User.objects.filter(pk=cast.rep.pk).update(first_name="=cmd()", last_name="")
    sent(cast.rep, local_day=date(2026, 11, 25), rows_count=3)
    sent(cast.teammate, status=DigestStatus.FAILED)
    answer = client_for(cast.manager).get("/digest/sent/export.csv", {"status": "sent"})
    text = b"".join(answer.streaming_content).decode().removeprefix("\ufeff")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["Day"], row["To"], row["State"], row["Rows"]) == (
        "2026-11-25", "'=cmd()", "Sent", "3",
    )  # fmt: skip
    entry = AuditEntry.objects.get(event=Event.EXPORTED)
    assert entry.details == {"what": "digests", "filters": ["status"], "format": "csv"}


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_takes_as_many_queries_for_one_as_for_three(
    rows: int, cast: Cast, client_for: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for person in (cast.rep, cast.teammate, cast.outsider)[:rows]:
        sent(person)
    client = client_for(cast.manager)
    with django_assert_num_queries(10):
        answer = client.get("/digest/sent/")
    assert len(answer.context["rows"]) == rows


def test_another_tenants_digests_are_not_here(
    cast: Cast, globex: Tenant, globex_cast: Cast, client_for: Any
) -> None:
    with globex:
        sent(globex_cast.rep)
        waiting(globex_cast.rep, title="Globex's")
    client = client_for(cast.admin)
    assert client.get("/digest/sent/").context["rows"] == []
    assert "Globex" not in words(client.get(DIGEST))
