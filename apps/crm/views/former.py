"""The page of a merged record: what stood in it, and its history."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from apps.crm.enums import RecordKind
from apps.crm.layouts import LAYOUTS
from apps.crm.presentation import show_field
from apps.crm.services import find_merged
from apps.crm.timeline import Cursor, Part, read_timeline
from apps.crm.views.access import read_record, require_view
from apps.crm.views.details import custom_facts
from apps.users.services import person_of


@require_safe
def show_former(request: HttpRequest, kind: RecordKind, pk: int) -> HttpResponse:
    """A record as it was when it was merged; one that was not is on its own page."""
    user, layout = person_of(request), LAYOUTS[kind]
    require_view(user, layout)
    record = find_merged(user, layout.model, pk)
    if record is None:
        return redirect(read_record(user, layout, pk))
    after = Cursor.parse(request.GET.get("after", ""))
    context = {
        "layout": layout,
        "nav_section": layout.nav_section,
        "record": record,
        "survivor": record.survivor,
        "facts": [show_field(record, name, user) for name in layout.facts],
        "custom_facts": custom_facts(record),
        "parts": [],
        "part": Part.CHANGES,
        "after": after,
        "timeline": read_timeline(record, user, part=Part.CHANGES, after=after),
    }
    is_fragment = request.headers.get("HX-Target") == "timeline"
    template = "crm/_timeline.html" if is_fragment else "crm/record_former.html"
    return render(request, template, context)
