"""E-mail drafts: shown in full, opened in the person's own mail program, and never sent from here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import IntegrityError, transaction

from apps.conftest import ApiClient, Cast
from apps.crm.drafts import LONGEST_LINK, mail_link
from apps.crm.models import Activity, ChangeLog, Draft
from apps.crm.tests.factories import (
    AccountFactory,
    ContactFactory,
    DraftFactory,
    LeadFactory,
    OpportunityFactory,
)
from apps.crm.tests.pages import sent, url, words
from apps.users.models import User

BODY = "Good morning Ana,\n\n100 % of the roof & more?\nRita"


def opened(client: Any, draft: Draft) -> Any:
    return client.get(draft.get_absolute_url())


def test_the_page_shows_the_whole_text_and_how_to_send_it(cast: Cast, client_for: Any) -> None:
    contact = ContactFactory(owner=cast.rep, email="ana@isdom.com")
    draft = DraftFactory(
        owner=cast.rep, contact=contact, to_address="ana@isdom.com", subject="The roof", body=BODY
    )
    answer = opened(client_for(cast.rep), draft)
    page = words(answer)
    assert "Good morning Ana, 100 % of the roof & more? Rita" in page
    assert "to ana@isdom.com" in page
    assert "You send it yourself; AiSHA sends nothing." in page
    for button in ("Open in your mail program", "Copy the text", "Mark as sent", "Discard"):
        assert button in page
    assert f'href="{answer.context["mail"].url.replace("&", "&amp;")}"' in answer.content.decode()


def test_the_link_says_what_the_draft_says() -> None:
    link = mail_link(Draft(to_address="ana+roof@isdom.com", subject="Roof & more?", body=BODY))
    parts = urlsplit(link.url)
    assert (link.has_text, parts.scheme, parts.path) == (True, "mailto", "ana%2Broof@isdom.com")
    assert parse_qs(parts.query) == {
        "subject": ["Roof & more?"],
        "body": [BODY.replace("\n", "\r\n")],
    }


def test_nothing_in_a_text_adds_to_the_link() -> None:
    hostile = Draft(to_address="ana@isdom.com", subject="x&bcc=spy@evil.com", body="y&cc=z#f")
    assert set(parse_qs(urlsplit(mail_link(hostile).url).query)) == {"subject", "body"}
    address = Draft(to_address='"a?bcc=spy"@isdom.com', subject="x", body="y")
    assert set(parse_qs(urlsplit(mail_link(address).url).query)) == {"subject", "body"}


def test_a_text_too_long_for_a_link_is_copied(cast: Cast, client_for: Any) -> None:
    draft = DraftFactory(owner=cast.rep, body="A sentence about the roof. " * 100)
    link = mail_link(draft)
    assert (link.has_text, "body=" in link.url) == (False, False)
    assert len(link.url) <= LONGEST_LINK
    assert "The text is too long for a link" in words(opened(client_for(cast.rep), draft))


@pytest.mark.parametrize(
    ("values", "warning"),
    [
        ({"do_not_contact": True}, "Ana Lopez does not want to be contacted any more."),
        ({"email": "ana@new.com"}, "Ana Lopez now has another address: ana@new.com."),
        ({"email": "ANA@isdom.com"}, ""),
    ],
)
def test_what_speaks_against_sending_is_said(
    cast: Cast, client_for: Any, values: dict[str, Any], warning: str
) -> None:
    lead = LeadFactory(first_name="Ana", last_name="Lopez", owner=cast.rep, **values)
    draft = DraftFactory(owner=cast.rep, lead=lead, to_address="ana@isdom.com")
    answer = opened(client_for(cast.rep), draft)
    assert answer.context["warning"] == warning
    assert ("Open in your mail program" in words(answer)) == (warning == "")


def test_mark_as_sent_logs_the_mail_by_the_person(cast: Cast, client_for: Any) -> None:
    # Somebody else's deal behind it does not keep the rep from noting what they sent.
    contact = ContactFactory(owner=cast.rep)
    deal = OpportunityFactory(owner=cast.outsider)
    draft = DraftFactory(
        owner=cast.rep, contact=contact, opportunity=deal, to_address="ana@isdom.com",
        subject="The roof", body=BODY,
    )  # fmt: skip
    client = client_for(cast.rep)
    answer = client.post(url("draft", "sent", draft.pk), follow=True)
    assert "Logged as sent: The roof" in words(answer)
    draft.refresh_from_db()
    activity = Activity.objects.get()
    assert (draft.status, draft.sent_at) == ("sent", activity.occurred_at)
    assert (activity.activity_kind, activity.direction, activity.subject, activity.body) == (
        "email", "outbound", "The roof", BODY,
    )  # fmt: skip
    assert (activity.contact, activity.opportunity, activity.lead, activity.owner) == (
        contact, deal, None, cast.rep,
    )  # fmt: skip
    assert activity.counterpart_address == "ana@isdom.com"
    contact.refresh_from_db()
    assert contact.last_activity_at == activity.occurred_at
    change = ChangeLog.objects.of_record("draft", draft.pk).first()
    assert change is not None
    assert (change.actor_name, change.changes["status"]) == ("Rita Rep", ["draft", "sent"])
    page = words(opened(client, draft))
    assert "Mark as sent" not in page
    assert "Open in your mail program" not in page


def test_discarded_it_stays_on_record(cast: Cast, client_for: Any) -> None:
    draft = DraftFactory(owner=cast.rep)
    client = client_for(cast.rep)
    assert client.post(url("draft", "discard", draft.pk)).status_code == 302
    draft.refresh_from_db()
    assert (draft.status, draft.sent_at, Activity.objects.count()) == ("discarded", None, 0)


@pytest.mark.parametrize("first", ["sent", "discarded"])
@pytest.mark.parametrize("verb", ["sent", "discard"])
def test_what_is_closed_stays_closed(cast: Cast, client_for: Any, first: str, verb: str) -> None:
    draft = DraftFactory(owner=cast.rep, status=first)
    client = client_for(cast.rep)
    answer = client.post(url("draft", verb, draft.pk))
    assert answer.status_code == 409
    assert f"This draft is {first} already. Nothing was changed." in words(answer)
    assert Activity.objects.count() == 0
    form = client.get(url("draft", "edit", draft.pk)).context["form"]
    answer = client.post(url("draft", "edit", draft.pk), sent(form, subject="Another"))
    assert answer.status_code == 422
    assert f"This draft is {first}: it stays as it was." in words(answer)
    draft.refresh_from_db()
    assert draft.subject != "Another"


def test_the_text_can_be_put_right_before_it_is_sent(cast: Cast, client_for: Any) -> None:
    draft = DraftFactory(owner=cast.rep, body="Old")
    client = client_for(cast.rep)
    form = client.get(url("draft", "edit", draft.pk)).context["form"]
    assert client.post(url("draft", "edit", draft.pk), sent(form, body="New")).status_code == 302
    draft.refresh_from_db()
    assert draft.body == "New"
    blank = client.post(url("draft", "edit", draft.pk), sent(form, body=" \n ", revision=2))
    assert blank.status_code == 422


@pytest.mark.parametrize("field", ["to_address", "subject", "body"])
@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_fault_22_the_database_keeps_no_empty_mail(cast: Cast, field: str, blank: str) -> None:
    with pytest.raises(IntegrityError, match="draft_says_something"), transaction.atomic():
        DraftFactory(**{field: blank})


def test_who_may_not_see_it_cannot_close_it(cast: Cast, client_for: Any) -> None:
    draft = DraftFactory(owner=cast.rep)
    for verb in ("sent", "discard"):
        assert client_for(cast.outsider).post(url("draft", verb, draft.pk)).status_code == 404
        assert client_for(cast.rep).get(url("draft", verb, draft.pk)).status_code == 405
    cast.rep.groups.clear()
    assert client_for(cast.rep).post(url("draft", "discard", draft.pk)).status_code == 403
    draft.refresh_from_db()
    assert draft.status == "draft"


def test_drafts_stand_on_the_record_that_they_are_about(cast: Cast, client_for: Any) -> None:
    lead, account = LeadFactory(owner=cast.rep), AccountFactory(owner=cast.rep)
    contact, deal = ContactFactory(owner=cast.rep), OpportunityFactory(owner=cast.rep)
    client = client_for(cast.rep)
    for record in (lead, account, contact, deal):
        DraftFactory(owner=cast.rep, subject="About the roof", **{record.kind.value: record})
        DraftFactory(owner=cast.outsider, subject="Hidden", **{record.kind.value: record})
        page = words(client.get(record.get_absolute_url()))
        assert "E-mail drafts" in page
        assert "About the roof" in page
        assert "Hidden" not in page


def test_the_list_opens_with_what_waits(cast: Cast, client_for: Any) -> None:
    waiting = DraftFactory(owner=cast.rep)
    DraftFactory(owner=cast.rep, status="sent")
    answer = client_for(cast.rep).get(url("draft", "list"))
    assert [row.record.pk for row in answer.context["rows"]] == [waiting.pk]


def test_programs_read_drafts_and_write_none(
    cast: Cast, api_for: Callable[[User], ApiClient]
) -> None:
    draft = DraftFactory(owner=cast.rep, to_address="ana@isdom.com", body=BODY)
    DraftFactory(owner=cast.outsider)
    client = api_for(cast.rep)
    assert [row["id"] for row in client.get("/api/v1/drafts/").json()["results"]] == [draft.pk]
    body = client.get(f"/api/v1/drafts/{draft.pk}/").json()
    assert (body["to_address"], body["body"], body["status"], body["sent_at"]) == (
        "ana@isdom.com", BODY, "draft", None,
    )  # fmt: skip
    assert client.get("/api/v1/drafts/?status=sent").json()["results"] == []
    assert client.send("POST", "/api/v1/drafts/", {"subject": "x"}).status_code == 405
    assert (
        client.send("PATCH", f"/api/v1/drafts/{draft.pk}/", {"status": "sent"}).status_code == 405
    )
