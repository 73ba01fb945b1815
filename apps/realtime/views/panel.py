"""The debug panel: what happens on connections, and what happened."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.realtime.exporting import document_of, told
from apps.realtime.forms import SessionFilterSet
from apps.realtime.models import Session, TelemetryEvent
from apps.realtime.reading import (
    MOST_EVENTS,
    first_row_of,
    latest_events,
    latest_turn,
    length_s,
    read_session,
)
from apps.realtime.watching import (
    DEBUG_HEADER,
    DEBUG_PARAMETER,
    may_look,
    refused_requests,
    sees_all,
    visible_sessions,
)
from apps.tenants.enums import Module
from apps.tenants.exports import stream_text
from apps.tenants.pagination import CappedPaginator
from apps.tenants.services import require_module
from apps.users.models import User
from apps.users.services import person_of

SESSIONS_PER_PAGE = 25
REFUSED_REQUESTS = 10
EVENTS_IN_DRAWER = 8
# As the primary key has it: 19 digits are too many for some.
LONGEST_ROW = 18
REFUSAL = (
    "The panel is for administrators, and for people who may talk to AiSHA and have set ai_debug to 1 in"
    " their browser's storage."
)


@require_safe
def show_panel(request: HttpRequest) -> HttpResponse:
    """The sessions that the person may look at, the latest first, and what happens at this moment."""
    user = viewer_of(request)
    rows = visible_sessions(user).select_related("person")
    filters = SessionFilterSet(request.GET, queryset=rows, viewer=user)
    pages = CappedPaginator(filters.qs, SESSIONS_PER_PAGE, request.GET.get("page"))
    context = _context(user) | {
        "filters": filters.form,
        "page": pages.asked_page(),
        "refused": refused_requests(user)[:REFUSED_REQUESTS],
    }
    return render(request, "realtime/panel.html", context)


@require_safe
def show_session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """One session: its turns, how long things took, its connection, and every event."""
    user = viewer_of(request)
    session = find_visible(user, session_id)
    context = _context(user) | _measures(session) | {"first_row": first_row_of(session)}
    return render(request, "realtime/session.html", context)


@require_safe
def show_measures(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """The part of a session's page that changes while it goes on: turns, latencies, statistics."""
    user = viewer_of(request)
    context = _context(user) | _measures(find_visible(user, session_id))
    return render(request, "realtime/_measures.html", context)


@require_safe
def show_drawer(request: HttpRequest) -> HttpResponse:
    """The person's own latest session, as small as a tab of the assistant's drawer."""
    user = viewer_of(request)
    session = visible_sessions(user).filter(person=user).first()
    context = _context(user) | {"session": session}
    if session is not None:
        context |= {
            "length_s": length_s(session, context["now"]),
            "fall": latest_turn(session),
            "events": latest_events(session, EVENTS_IN_DRAWER),
        }
    return render(request, "realtime/_drawer.html", context)


@require_safe
def list_events(request: HttpRequest, session_id: UUID) -> JsonResponse:
    """The stored events after a row, in the order in which they came: as many as a page holds at once."""
    session = find_visible(viewer_of(request), session_id)
    after = request.GET.get("after", "0")
    if not (after.isascii() and after.isdigit() and len(after) <= LONGEST_ROW):
        raise Http404
    rows = TelemetryEvent.objects.filter(session=session, pk__gt=int(after)).order_by("pk")
    found = [told(row) for row in rows[: MOST_EVENTS + 1]]
    is_all = len(found) <= MOST_EVENTS
    answer = JsonResponse({"events": found[:MOST_EVENTS], "is_all": is_all})
    answer["Cache-Control"] = "no-store"
    return answer


@require_safe
def export_session(request: HttpRequest, session_id: UUID) -> HttpResponseBase:
    """Everything of a session as one JSON document, read while it is sent."""
    user = viewer_of(request)
    session = find_visible(user, session_id)
    details: dict[str, Detail] = {
        "what": "realtime-session",
        "session": str(session.pk),
        "format": "json",
    }
    record_event(Actor.for_person(user), Entry(Event.EXPORTED, details=details))
    return stream_text(
        request,
        file_name=f"realtime-{session.pk}.json",
        content_type="application/json",
        parts=document_of(session),
    )


def viewer_of(request: HttpRequest) -> User:
    """Return the person, who may look at the panel.

    Raises:
        ModuleOffError: realtime voice is off for the company.
        PermissionDenied: the panel is not for them.
    """
    user = person_of(request)
    asks = request.headers.get(DEBUG_HEADER) == "1" or request.GET.get(DEBUG_PARAMETER) == "1"
    if not may_look(user, asks_for_debug=asks):
        raise PermissionDenied(REFUSAL)
    require_module(Module.REALTIME)
    return user


def find_visible(user: User, session_id: UUID) -> Session:
    """Return a session that the person may look at; any other is not there."""
    session = visible_sessions(user).select_related("person").filter(pk=session_id).first()
    if session is None:
        raise Http404
    return session


def _context(user: User) -> dict[str, Any]:
    """What every page has. ``as_asked`` goes on in links, where the person sees their own by ai_debug."""
    is_overseer = sees_all(user)
    return {
        "nav_section": "realtime",
        "sees_all": is_overseer,
        "as_asked": "" if is_overseer else f"?{DEBUG_PARAMETER}=1",
        "now": timezone.now(),
    }


def _measures(session: Session) -> dict[str, Any]:
    reading = read_session(session)
    return {"session": session, "reading": reading, "length_s": length_s(session, timezone.now())}
