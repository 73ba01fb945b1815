"""The page of groups: more than two records that may be the same, as one."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.audit.exporting import filters_asked, send_table
from apps.duplicates.filters import GroupFilterSet
from apps.duplicates.groups import (
    GroupRows,
    ShownGroup,
    count_bands,
    groups_among,
    show_groups,
)
from apps.duplicates.models import Pair
from apps.duplicates.views.access import read_standing, viewer_of
from apps.tenants.chunks import chunks
from apps.tenants.pagination import CappedPaginator
from apps.users.models import User

GROUPS_PER_PAGE = 10
EXPORT_CHUNK = 100
HEADER = (
    "Group", "Confidence", "Weakest pair (0 to 1)", "Strongest pair (0 to 1)", "Records", "Pairs",
    "Record", "Id",
)  # fmt: skip


@require_safe
def list_groups(request: HttpRequest) -> HttpResponse:
    """Groups of more than one pair, the surest first, each with its records and what tells them apart."""
    user = viewer_of(request)
    filter_set = _read_filters(request, user)
    groups = groups_among(filter_set.qs, user, band=filter_set.asked_band)
    page = CappedPaginator(groups, GROUPS_PER_PAGE, request.GET.get("page")).asked_page()
    context = {
        "nav_section": "duplicates",
        "tab": "groups",
        "filters": filter_set.form,
        "bands": count_bands(groups_among(filter_set.qs, user)),
        "page": page,
        "groups": show_groups(list(page), user),
        **read_standing(),
    }
    return render(request, "duplicates/group_list.html", context)


@require_safe
def export_groups(request: HttpRequest) -> HttpResponseBase:
    """The groups as they are on screen, all pages of them, as a CSV file: a line for each record."""
    user = viewer_of(request)
    filter_set = _read_filters(request, user)
    rows = (
        (
            shown.row["cluster"],
            shown.weakest.label,
            round(shown.row["weakest_0_1"], 4),
            round(shown.row["strongest_0_1"], 4),
            len(shown.refs),
            shown.row["pairs"],
            str(member.side.record),
            str(member.side.ref),
        )
        for shown in _in_chunks(groups_among(filter_set.qs, user, band=filter_set.asked_band), user)
        for member in shown.members
    )
    return send_table(
        request,
        user,
        what="groups of duplicates",
        header=HEADER,
        rows=rows,
        filters=filters_asked(filter_set.form),
    )


def _read_filters(request: HttpRequest, user: User) -> GroupFilterSet:
    """The visible pairs, narrowed as the address says."""
    return GroupFilterSet(request.GET, queryset=Pair.objects.visible_to(user))


def _in_chunks(groups: GroupRows, user: User) -> Iterator[ShownGroup]:
    for chunk in chunks(groups.iterator(chunk_size=EXPORT_CHUNK), EXPORT_CHUNK):
        yield from show_groups(chunk, user, most_records=None)
