"""Links of a mail: they open pages and change nothing; the one that unsubscribes asks for a POST."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.conftest import Cast, TenantClient
from apps.crm.tests.factories import LeadFactory
from apps.crm.tests.pages import words
from apps.suggestions.digest.composing import Mail, compose, write_mail
from apps.suggestions.digest.links import unsubscribe_path
from apps.suggestions.digest.models import DigestPreference
from apps.suggestions.enums import HeldBack, State
from apps.suggestions.models import Suggestion
from apps.suggestions.services.moves import withdraw
from apps.suggestions.tests.cases import put_in
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.models import Tenant
from apps.users.models import User


def full_mail(person: User, tenant: Tenant) -> Mail:
    """A mail with every section in it, and more than it shows."""
    for number in range(10):
        waiting(person, rank=number)
    waiting(person, held_back=HeldBack.DAILY_CAP)
    withdraw(waiting(person), Actor.for_system("tests"))
    put_in(waiting(person), State.APPLIED, person)
    digest = compose(person, tenant, timezone.now())
    assert [part.key for part in digest.parts] == ["waiting", "held_back", "closed", "applied"]
    return write_mail(digest)


def waiting(person: User, **fields: object) -> Suggestion:
    made: Suggestion = SuggestionFactory(assignee=person, lead=LeadFactory(owner=person), **fields)
    return made


def links_of(mail: Mail) -> list[str]:
    in_html = re.findall(r'href="([^"]+)"', mail.html)
    in_text = re.findall(r"https?://\S+", mail.text)
    assert set(in_html) == set(in_text)
    return sorted(set(in_text))


def path_of(link: str) -> str:
    """The path on the tenant's own host."""
    parts = urlsplit(link)
    assert f"{parts.scheme}://{parts.netloc}" == "http://acme.localhost:8000"
    return parts.path + (f"?{parts.query}" if parts.query else "")


def rows_of(schema: str, *, without: tuple[str, ...]) -> dict[str, str]:
    """A digest of the content of each table."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
        for (table,) in cursor.fetchall():
            if table not in without:
                cursor.execute(
                    f"SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) "
                    f'FROM "{schema}"."{table}" t'
                )
                found[table] = cursor.fetchone()[0]
    return found


def test_fault_24_a_link_preview_decides_nothing(
    cast: Cast, acme: Tenant, anonymous_client: TenantClient, client_for: Any
) -> None:
    links = links_of(full_mail(cast.rep, acme))
    # Eight that wait, three others, the rest of the queue, the profile, the way out.
    assert len(links) == 14
    before = rows_of("acme", without=())
    for method in ("GET", "HEAD", "OPTIONS"):
        for link in links:
            answer = anonymous_client.generic(method, path_of(link))
            assert answer.status_code in {200, 302, 405}, link
    assert rows_of("acme", without=()) == before
    # Opened by the reader, who is signed in: on record as shown, and nothing else.
    client = client_for(cast.rep)
    noted = ("audit_auditentry", "django_session", "users_user")
    before = rows_of("acme", without=noted)
    for link in links:
        assert client.get(path_of(link)).status_code == 200, link
    assert rows_of("acme", without=noted) == before
    events = set(AuditEntry.objects.exclude(actor_id=None).values_list("event", flat=True))
    assert events == {Event.SUGGESTION_SHOWN.value}


def test_a_look_at_the_link_unsubscribes_nobody(
    cast: Cast, acme: Tenant, anonymous_client: TenantClient
) -> None:
    answer: Any = anonymous_client.get(unsubscribe_path(acme, cast.rep))
    assert answer.status_code == 200
    assert "Unsubscribe from the digest" in words(answer)
    # Whoever has the link learns nothing about its person.
    assert "Rita" not in answer.content.decode()
    assert not DigestPreference.objects.exists()


def test_a_post_unsubscribes_without_a_sign_in(cast: Cast, acme: Tenant) -> None:
    # As a mail program does (RFC 8058): no cookie, no token against forgery.
    program = Client(HTTP_HOST="acme.localhost", enforce_csrf_checks=True)
    path = unsubscribe_path(acme, cast.rep)
    answer: Any = program.post(path, {"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, answer.cookies) == (200, {})
    assert "You are unsubscribed" in words(answer)
    wish = DigestPreference.objects.get()
    assert (wish.person, wish.is_on) == (cast.rep, False)
    # A second time changes nothing and is not on record again.
    assert program.post(path).status_code == 200
    entry = AuditEntry.objects.get(event=Event.DIGEST_UNSUBSCRIBED)
    assert (entry.actor_id, entry.details) == (
        cast.rep.pk, {"person_id": cast.rep.pk, "via": "link"},
    )  # fmt: skip


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_that_was_changed_or_made_elsewhere_leads_nowhere(
    method: str,
    cast: Cast,
    acme: Tenant,
    globex: Tenant,
    globex_cast: Cast,
    anonymous_client: TenantClient,
) -> None:
    path = unsubscribe_path(acme, cast.rep)
    token = path.split("/")[-2]
    number, _, signature = token.partition(":")
    foreign = unsubscribe_path(globex, cast.rep)
    for wrong in (
        f"/digest/unsubscribe/{int(number) + 1}:{signature}/",
        f"/digest/unsubscribe/{token[:-1]}/",
        f"/digest/unsubscribe/{number}/",
        "/digest/unsubscribe/x/",
        foreign,
    ):
        assert getattr(anonymous_client, method)(wrong).status_code == 404, wrong
    assert not DigestPreference.objects.exists()
    with globex:
        assert not DigestPreference.objects.exists()


def test_other_methods_are_refused(
    cast: Cast, acme: Tenant, anonymous_client: TenantClient
) -> None:
    path = unsubscribe_path(acme, cast.rep)
    for method in ("PUT", "PATCH", "DELETE"):
        assert anonymous_client.generic(method, path).status_code == 405
    assert not DigestPreference.objects.exists()
