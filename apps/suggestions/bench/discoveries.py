"""The measure of the page "Discovered": with 10,000 signals firing, beside a bare view of as many.

The bare view answers behind the same middleware and the same sign-in. It counts the firing signals by trigger
in one statement of the ORM, adds up what the leads among them are worth, and shows the 25 strongest
with their record's name, value and owner through a plain template: no visibility, no kinds, no suggestions.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine
from django.test import override_settings
from django.urls import include, path
from django.utils import timezone

from apps.crm.models import Lead
from apps.suggestions.bench.pages import asking, beside, client_of, count_queries, time_in_turns
from apps.triggers.models import Signal
from apps.users.enums import PersonRole
from apps.users.models import User
from apps.users.services import ensure_person_roles, give_role

_SIGNALS = 10_000
_ROUNDS = 20
_TIMES_BARE = 6.0
_MOST_QUERIES = 40
_SHOWN = 25
_SOURCE = "bench-discovered"

_BARE_PAGE = Engine().from_string(
    "<!doctype html><p>{{ worth }}</p><ul>{% for key, count in counts.items %}<li>{{ key }} {{ count }}</li>"
    "{% endfor %}</ul><ul>{% for row in rows %}<li>{{ row }} {{ row.estimated_value }} {{ row.owner }}</li>"
    "{% endfor %}</ul>"
)
# Of three kinds of discovery, and of none.
_TRIGGERS = ("lead_inactive", "lead_hot", "lead_duplicate", "lead_score_drop")
_GOAL = "revive_lead"


def measure_discoveries() -> Iterator[dict[str, object]]:
    """The first page of everybody's discoveries, for a manager, and how many statements it takes."""
    _fill()
    client = client_of(_manager())
    ours, bare = asking(client, "/discovered/"), asking(client, "/bare-discovered/")
    queries = count_queries(ours)
    with override_settings(ROOT_URLCONF=__name__):
        ours_ms, bare_ms = time_in_turns(ours, bare, _ROUNDS)
    name = f"page of discoveries, {_SIGNALS:,} signals firing"
    yield beside(name, ours_ms, bare_ms, _TIMES_BARE, "view with counts and as many rows")
    yield {
        "name": f"{name}: queries",
        "value": queries,
        "unit": "statements",
        "target": _MOST_QUERIES,
        "better": "lower",
    }


def _manager() -> User:
    ensure_person_roles()
    person, _ = User.objects.get_or_create(
        username="discovered-by", defaults={"password": make_password(None)}
    )
    give_role(person, PersonRole.MANAGER)
    return person


def _fill() -> None:
    """Leads with a firing signal each, found over sixty days; the tenant outlives the run."""
    Signal.objects.filter(trigger__in=_TRIGGERS).delete()
    Lead.objects.filter(source=_SOURCE).delete()
    owner, now = _manager(), timezone.now()
    leads = Lead.objects.bulk_create(
        Lead(
            last_name=f"Lead {n}",
            status="working",
            estimated_value=n,
            currency="USD",
            owner=owner,
            source=_SOURCE,
            external_id=f"L{n}",
        )
        for n in range(_SIGNALS)
    )
    Signal.objects.bulk_create(
        Signal(
            trigger=_TRIGGERS[n % len(_TRIGGERS)],
            goal=_GOAL,
            record_kind=Lead.kind,
            record_id=lead.pk,
            severity=1 + n % 3,
            fired_at=now - timedelta(days=n % 60),
            refreshed_at=now,
        )
        for n, lead in enumerate(leads)
    )


def _bare_discovered(request: HttpRequest) -> HttpResponse:
    firing = Signal.objects.filter(cleared_at=None, trigger__in=_TRIGGERS).order_by()
    counts = dict(firing.values_list("trigger").annotate(count=Count("pk")))
    leads = Lead.objects.filter(pk__in=firing.values("record_id"))
    worth = leads.aggregate(worth=Sum("estimated_value"))["worth"]
    first = firing.order_by("-severity", "-fired_at").values_list("record_id", flat=True)[:_SHOWN]
    rows = list(Lead.objects.filter(pk__in=list(first)).select_related("owner"))
    return HttpResponse(
        _BARE_PAGE.render(Context({"counts": counts, "worth": worth, "rows": rows}))
    )


urlpatterns = [
    path("bare-discovered/", _bare_discovered),
    path("", include("aisha.urls_tenant")),
]
