"""The measures of the review queue: the page and the API list beside bare Django views.

A bare view answers behind the same middleware and the same sign-in, and reads the same rows by one query of
the ORM. The bare page shows each row's title with its link, record, value, assignee and reason through a
plain Django template, compiled once, with nothing around the list: no base page, context processors, counts,
detail or decision. The bare list gives eight fields of each row as JSON without a serializer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from statistics import median

import psycopg
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection, reset_queries
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import Context, Engine
from django.test import Client, override_settings
from django.urls import include, path
from django.utils import timezone
from psycopg import sql

from apps.suggestions.models import Suggestion
from apps.suggestions.queue import CARDS_PER_PAGE
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Domain
from apps.users.enums import PersonRole
from apps.users.models import User
from apps.users.services import ensure_person_roles, give_role

_SUGGESTIONS = 100_000
_PEOPLE = 50
_ROUNDS = 40
_TIMES_BARE = 3.0
_MOST_QUERIES = 12
_API_ROWS = 50

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
       'person', 'rules', %(now)s, %(now)s, %(now)s, %(now)s + interval '14 days', '', '', 'unknown', '[]'
FROM generate_series(1, %(total)s) AS n
"""
_BARE_PAGE = Engine().from_string(
    "<!doctype html><ul>{% for row in rows %}<li><a href='/{{ row.pk }}/'>{{ row.title }}</a> "
    "{{ row.record_label }} {{ row.value_at_stake }} {{ row.assignee }} {{ row.reason }}</li>"
    "{% endfor %}</ul>"
)


def measure_queue() -> Iterator[dict[str, object]]:
    """The first page of the queue and a list of 50 from the API, with 100,000 waiting suggestions."""
    people = _fill()
    manager = people[0]
    host = Domain.objects.get(tenant__schema_name=tenant_connection().schema_name).domain
    client = Client(HTTP_HOST=host)
    client.force_login(manager)
    for name, address, bare_address in (
        ("queue page, 100k suggestions", "/suggestions/", "/bare-page/"),
        ("API list of 50", f"/api/v1/suggestions/?page_size={_API_ROWS}", "/bare-list/"),
    ):
        ours, bare = _asking(client, address), _asking(client, bare_address)
        queries = _count_queries(ours)
        with override_settings(ROOT_URLCONF=__name__):
            ours_ms, bare_ms = _time_in_turns(ours, bare)
        yield {
            "name": name,
            "value": round(ours_ms, 1),
            "unit": "ms",
            "target": round(bare_ms * _TIMES_BARE, 1),
            "better": "lower",
            "baseline": round(bare_ms, 1),
            "remark": f"{ours_ms / bare_ms:.1f} times a bare view with as many rows",
        }
        yield {
            "name": f"{name}: queries",
            "value": queries,
            "unit": "statements",
            "target": _MOST_QUERIES,
            "better": "lower",
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


def _bare_list(request: HttpRequest) -> HttpResponse:
    rows = _bare_rows(_API_ROWS)
    fields = ("pk", "title", "reason", "record_label", "state", "tool", "rank", "created_at")
    return JsonResponse(
        {"results": [{name: getattr(row, name) for name in fields} for row in rows]}
    )


def _bare_rows(count: int) -> list[Suggestion]:
    waiting = Suggestion.objects.filter(state="pending", held_back="").select_related("assignee")
    return list(waiting.order_by("-rank", "-id")[:count])


# The bare views answer beside the product's own routes, behind the same middleware and sign-in.
urlpatterns = [
    path("bare-page/", _bare_page),
    path("bare-list/", _bare_list),
    path("", include("aisha.urls_tenant")),
]


def _asking(client: Client, address: str) -> Callable[[], None]:
    def ask() -> None:
        answer = client.get(address)
        if answer.status_code != HTTPStatus.OK:
            raise RuntimeError(f"{address} answered {answer.status_code}")

    return ask


def _count_queries(ask: Callable[[], None]) -> int:
    """The statements of one request, those that set the search path included."""
    ask()
    with override_settings(DEBUG=True):
        reset_queries()
        connection.force_debug_cursor = True
        try:
            ask()
            return len(connection.queries)
        finally:
            connection.force_debug_cursor = False


def _time_in_turns(ours: Callable[[], None], bare: Callable[[], None]) -> tuple[float, float]:
    """The medians in milliseconds, taken in turns so that both meet the same machine."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(_ROUNDS):
        for spent, ask in zip(times, (ours, bare), strict=True):
            began = time.perf_counter()
            ask()
            spent.append((time.perf_counter() - began) * 1000)
    return median(times[0]), median(times[1])
