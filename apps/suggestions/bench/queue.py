"""The measures of the review queue: pages, the API list and decisions beside bare Django views.

A bare view answers behind the same middleware and the same sign-in, and reads the same rows by one query of
the ORM. The bare page shows each row's title with its link, record, value, assignee and reason through a
plain Django template, compiled once, with nothing around the list: no base page, context processors, counts,
detail or decision. Ours draws every card anew, as for somebody who comes for the first time. The bare list
gives eight fields of each row as JSON without a serializer. The bare POST writes one row and answers with
nothing.
"""

from __future__ import annotations

import gzip
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import psycopg
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.staticfiles import finders
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import Context, Engine
from django.test import Client, override_settings
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from psycopg import sql

from apps.suggestions.ahead import HEADER, READ
from apps.suggestions.bench.bulk import make_follow_ups
from apps.suggestions.bench.pages import (
    asking,
    beside,
    client_of,
    count_queries,
    require_ok,
    time_in_turns,
)
from apps.suggestions.facets import COLUMNS, SAMPLE
from apps.suggestions.models import SavedView, Suggestion
from apps.suggestions.queue import CARDS_PER_PAGE
from apps.suggestions.templatetags.suggestion_cards import forget_cards
from apps.tenants.connections import tenant_connection
from apps.users.enums import PersonRole
from apps.users.models import User
from apps.users.services import ensure_person_roles, give_role, person_of

_SUGGESTIONS = 1_000_000
_PEOPLE = 50
_ROUNDS = 40
_TIMES_BARE = 3.0
_MOST_QUERIES = 12
_TIMES_BARE_POST = 4.0
# Above all that the queue is filled with.
_FIRST = 100.0
_API_ROWS = 50
_MOST_PAGE_BYTES = 150 * 1024
# What a page loads: everything that its markup names below the address of static files.
_LOADED = re.compile(r'(?:href|src)="/static/([^"#]+)')

# Cards of open leads, spread over the people, as the pipeline would have delivered them.
_FILL = """
INSERT INTO suggestions_suggestion
    (state, goal, record_kind, record_id, record_label, assignee_id, tool, arguments, before_values,
     guard_values, risk, title, reason, facts, evidence, value_at_stake, currency, urgency,
     confidence_n, rank, held_back, origin, provider, created_at, refreshed_at, queued_at, expires_at,
     closed_because, trigger, segment, hostile_codes)
SELECT 'pending', 'revive_lead', 'lead', 1000000 + n, 'Lead ' || n, (%(people)s)[1 + n %% %(count)s],
       'create_followup',
       jsonb_build_object('subject_kind', 'lead', 'subject_id', 1000000 + n, 'about_kind', 'lead',
                          'about_id', 1000000 + n, 'title', 'Call lead ' || n,
                          'due_on', '2030-01-01', 'priority', 2),
       '{}', '{}', 'low', 'Call lead ' || n, 'Nobody has been in touch since the spring.',
       '[{"number": 1, "label": "Status", "text": "Working", "occurred_at": null, "record": null}]',
       '[{"text": "The lead is open", "facts": [1]}]', n, 'USD', 1 + n %% 3, 0, random() * 10, '',
       'person', 'rules', %(now)s - n %% 500 * interval '1 hour', %(now)s, %(now)s,
       %(now)s + interval '14 days', '',
       (ARRAY['lead_inactive', 'lead_new', 'lead_hot', 'deal_stalled'])[1 + n %% 4],
       (ARRAY['unknown', 'small', 'middle', 'large'])[1 + n %% 4], '[]'
FROM generate_series(1, %(total)s) AS n
"""
_BARE_PAGE = Engine().from_string(
    "<!doctype html><ul>{% for row in rows %}<li><a href='/{{ row.pk }}/'>{{ row.title }}</a> "
    "{{ row.record_label }} {{ row.value_at_stake }} {{ row.assignee }} {{ row.reason }}</li>"
    "{% endfor %}</ul>"
)


def measure_queue() -> Iterator[dict[str, object]]:
    """Pages of the queue, a list of the API, decisions and what a page weighs, with 1,000,000 waiting."""
    people = _fill()
    client = client_of(people[0])
    for name, address, bare_address in (
        ("first queue page, 1M suggestions", "/suggestions/", "/bare-page/"),
        ("facet", "/suggestions/?trigger=lead_hot&age=week", "/bare-facet/"),
        ("numbers behind the facets", "/suggestions/facets/", "/bare-sample/"),
        ("API list of 50", f"/api/v1/suggestions/?page_size={_API_ROWS}", "/bare-list/"),
    ):
        ours, bare = _drawing_anew(asking(client, address)), asking(client, bare_address)
        queries = count_queries(ours)
        with override_settings(ROOT_URLCONF=__name__):
            ours_ms, bare_ms = time_in_turns(ours, bare, _ROUNDS)
        yield beside(name, ours_ms, bare_ms, _TIMES_BARE, "view with as many rows")
        yield {
            "name": f"{name}: queries",
            "value": queries,
            "unit": "statements",
            "target": _MOST_QUERIES,
            "better": "lower",
        }
    yield from _measure_decisions(client, people[0])
    yield _weigh(client)


def _measure_decisions(client: Client, person: User) -> Iterator[dict[str, object]]:
    """A decision as the page sends it, answered with what is left and with how one goes on.

    The page has the next card at hand, which it fetched while the person read this one; what that takes is a
    row of its own, and so is a decision that comes before it: the next card is in its answer. What is
    approved is a trigger's, about a lead that is there: it is asked again, and a task is written.
    """
    now = timezone.now()
    make_follow_ups(person, 2 * _ROUNDS + 3, now, rank=_FIRST)
    post = _posting(client, "/bare-write/")
    with override_settings(ROOT_URLCONF=__name__):
        approving = _Deciding(client, "approve", {"seen_at": now.isoformat()})
        ours_ms, bare_ms = time_in_turns(approving.decide, post, _ROUNDS)
        name = "decision round trip: approve, nothing at hand"
        yield beside(name, ours_ms, bare_ms, None, "POST that writes one row")
        for move, body in (
            ("approve", approving.body),
            ("reject", {"reason": "not_needed"}),
            ("snooze", {"until": "tomorrow"}),
        ):
            deciding = _Deciding(client, move, body)
            ours_ms, bare_ms = time_in_turns(
                deciding.decide, post, _ROUNDS, before=deciding.read_ahead
            )
            name = f"decision round trip: {move}"
            yield beside(name, ours_ms, bare_ms, _TIMES_BARE_POST, "POST that writes one row")
        ours_ms, bare_ms = time_in_turns(deciding.read_ahead, post, _ROUNDS)
        name = "the next card, fetched while one reads"
        yield beside(name, ours_ms, bare_ms, None, "POST that writes one row")


class _Deciding:
    """One person who takes the same decision on what waits, card after card."""

    def __init__(self, client: Client, move: str, body: dict[str, str]) -> None:
        self._client, self._move, self.body = client, move, body
        waiting = Suggestion.objects.in_queue().order_by("-rank", "-id")[: 2 * _ROUNDS + 3]
        self._ids = list(waiting.values_list("pk", flat=True))
        self._mark = ""

    def read_ahead(self) -> None:
        """Fetch the card after the one that is decided next, as the page does."""
        address = f"/suggestions/{self._ids[1]}/"
        headers = {"HX-Request": "true", "HX-Target": "suggestion-detail", HEADER: READ}
        answer = self._client.get(address, headers=headers)
        require_ok(address, answer)
        self._mark = answer.headers[HEADER]

    def decide(self) -> None:
        """Decide on one."""
        address = f"/suggestions/{self._ids.pop(0)}/{self._move}/"
        headers = {"HX-Request": "true", "HX-Target": "queue", HEADER: self._mark}
        # As a browser sends a form.
        body, form = urlencode(self.body), "application/x-www-form-urlencoded"
        answer = self._client.post(address, body, content_type=form, headers=headers)
        require_ok(address, answer)
        if answer.headers.get(HEADER, "") != self._mark:
            raise RuntimeError("The card at hand was not taken for the next one.")
        self._mark = ""


def _weigh(client: Client) -> dict[str, object]:
    """The first page with all that it loads, each part compressed as the proxy sends it."""
    page = client.get("/suggestions/").content
    names = sorted(set(_LOADED.findall(page.decode())) | {"vendor/lucide.svg"})
    parts = [page, *(Path(str(finders.find(name))).read_bytes() for name in names)]
    return {
        "name": "page weight, everything, compressed",
        "value": round(sum(len(gzip.compress(part)) for part in parts) / 1024, 1),
        "unit": "KB",
        "target": _MOST_PAGE_BYTES / 1024,
        "better": "lower",
        "remark": f"the page itself {len(gzip.compress(page)) / 1024:.1f} KB, and {len(names)} files",
    }


def _fill() -> list[User]:
    """Make the people and the suggestions; the statistics are fresh afterwards."""
    ensure_person_roles()
    # The tenant outlives the run: begin as on its first day.
    Suggestion.objects.filter(decisions=None).delete()
    people = [
        User.objects.get_or_create(
            username=f"reviewer-{n}", defaults={"password": make_password(None)}
        )[0]
        for n in range(_PEOPLE)
    ]
    for person in people:
        give_role(person, PersonRole.MANAGER)
    with connection.cursor() as cursor:
        cursor.execute(
            _FILL,
            {
                "people": [person.pk for person in people],
                "count": _PEOPLE,
                "now": timezone.now(),
                "total": _SUGGESTIONS,
            },
        )
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as owner:
        # As autovacuum would, soon after so many new rows.
        owner.execute(
            sql.SQL("VACUUM ANALYZE {}").format(
                sql.Identifier(tenant_connection().schema_name, Suggestion._meta.db_table)
            )
        )
    return people


def _bare_page(request: HttpRequest) -> HttpResponse:
    rows = _bare_rows(CARDS_PER_PAGE)
    return HttpResponse(_BARE_PAGE.render(Context({"rows": rows})))


def _bare_facet(request: HttpRequest) -> HttpResponse:
    since = timezone.now() - timedelta(days=7)
    rows = _waiting().filter(trigger="lead_hot", created_at__gte=since)[:CARDS_PER_PAGE]
    return HttpResponse(_BARE_PAGE.render(Context({"rows": list(rows)})))


def _bare_sample(request: HttpRequest) -> HttpResponse:
    rows = list(_waiting().values(*COLUMNS)[:SAMPLE])
    return HttpResponse(str(Counter(row["trigger"] for row in rows)))


@csrf_exempt
def _bare_write(request: HttpRequest) -> HttpResponse:
    SavedView.objects.create(user=person_of(request), name=f"{time.monotonic_ns()}")
    return HttpResponse()


def _bare_list(request: HttpRequest) -> HttpResponse:
    rows = _bare_rows(_API_ROWS)
    fields = ("pk", "title", "reason", "record_label", "state", "tool", "rank", "created_at")
    return JsonResponse(
        {"results": [{name: getattr(row, name) for name in fields} for row in rows]}
    )


def _bare_rows(count: int) -> list[Suggestion]:
    return list(_waiting()[:count])


def _waiting() -> QuerySet[Suggestion]:
    waiting = Suggestion.objects.filter(state="pending", held_back="").select_related("assignee")
    return waiting.order_by("-rank", "-id")


# The bare views answer beside the product's own routes, behind the same middleware and sign-in.
urlpatterns = [
    path("bare-page/", _bare_page),
    path("bare-facet/", _bare_facet),
    path("bare-sample/", _bare_sample),
    path("bare-write/", _bare_write),
    path("bare-list/", _bare_list),
    path("", include("aisha.urls_tenant")),
]


def _drawing_anew(ask: Callable[[], None]) -> Callable[[], None]:
    """Ask for a page as somebody does of whose cards none has been drawn before."""

    def asked() -> None:
        forget_cards()
        ask()

    return asked


def _posting(client: Client, address: str) -> Callable[[], None]:
    return lambda: require_ok(address, client.post(address))
