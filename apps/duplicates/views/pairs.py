"""The page of duplicates, the page of one pair, and what a person says of it."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.html import format_html
from django.views.decorators.http import require_POST, require_safe

from apps.audit.exporting import filters_asked, send_table
from apps.crm.views.access import safe_next
from apps.duplicates.bands import BY_GROUP, Band
from apps.duplicates.enums import Subject
from apps.duplicates.evidence import EvidenceChart, lay_out_evidence
from apps.duplicates.filters import PairPageFilterSet
from apps.duplicates.models import Pair
from apps.duplicates.precision import read_thresholds
from apps.duplicates.querysets import PairQuerySet
from apps.duplicates.reading import (
    ShownPair,
    compare_fields,
    group_sizes,
    hanging_on,
    show_pairs,
)
from apps.duplicates.services.decisions import DECIDE_PERMISSION, decide_not_duplicate, reopen
from apps.duplicates.services.judging import current_document, explain
from apps.duplicates.views.access import find_pair, read_standing, viewer_of
from apps.tenants.chunks import chunks
from apps.tenants.pagination import CappedPaginator
from apps.users.models import User

PAIRS_PER_PAGE = 25
EXPORT_CHUNK = 500
HEADER = (
    "Pair", "Confidence", "Probability (0 to 1)", "State", "Keep", "Id", "Duplicate", "Id", "Found"
)  # fmt: skip


@require_safe
def list_pairs(request: HttpRequest) -> HttpResponse:
    """Pairs that may be the same, the surest first, with what the threshold is worth."""
    user = viewer_of(request)
    filter_set = _read_filters(request, user)
    asked = filter_set.form["subject"].value()
    subject = Subject(asked) if asked in Subject.values else Subject.PERSON
    page = CappedPaginator(filter_set.qs, PAIRS_PER_PAGE, request.GET.get("page")).asked_page()
    context = {
        "nav_section": "duplicates",
        "tab": "pairs",
        "subjects": list(Subject),
        "filters": filter_set.form,
        "bands": _count_bands(filter_set.before_band),
        "thresholds": read_thresholds(subject, user),
        "page": page,
        "pairs": show_pairs(list(page), user, sizes=group_sizes(page, user)),
        **read_standing(),
    }
    return render(request, "duplicates/pair_list.html", context)


@require_safe
def export_pairs(request: HttpRequest) -> HttpResponseBase:
    """The pairs as they are on screen, all pages of them, as a CSV file."""
    user = viewer_of(request)
    filter_set = _read_filters(request, user)
    rows = (
        (
            shown.pair.pk,
            shown.band.label,
            round(shown.pair.probability, 4),
            shown.pair.get_state_display(),
            str(shown.survivor.record),
            str(shown.survivor.ref),
            str(shown.duplicate.record),
            str(shown.duplicate.ref),
            shown.pair.found_at,
        )
        for shown in _in_chunks(filter_set.qs, user)
    )
    return send_table(
        request,
        user,
        what="duplicates",
        header=HEADER,
        rows=rows,
        filters=filters_asked(filter_set.form),
    )


@require_safe
def show_pair(request: HttpRequest, pk: int) -> HttpResponse:
    """One pair: both records side by side, what speaks for and against, what hangs on each."""
    user = viewer_of(request)
    pair = find_pair(user, pk)
    (shown,) = show_pairs([pair], user)
    context = {
        "nav_section": "duplicates",
        "tab": "pairs",
        "shown": shown,
        "fields": compare_fields(shown, user),
        "hanging": [hanging_on(side.ref) for side in shown.sides],
        "chart": _chart_of(pair),
        "group": _others_of_group(shown, user),
        "may_decide": user.has_perm(DECIDE_PERMISSION),
        "keepable": [side for side in shown.sides if _may_be_kept(side.ref.kind, shown)],
    }
    return render(request, "duplicates/pair_detail.html", context)


@require_POST
def say_not_duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    """Remember that the two are not the same."""
    user = viewer_of(request)
    pair = decide_not_duplicate(find_pair(user, pk), user)
    messages.success(request, _remembered(pair, user))
    return redirect(safe_next(request, pair.get_absolute_url()))


@require_POST
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Look at the two again."""
    user = viewer_of(request)
    pair = reopen(find_pair(user, pk), user)
    messages.success(request, "These two are to be looked at again.")
    return redirect(safe_next(request, pair.get_absolute_url()))


def _remembered(pair: Pair, user: User) -> str:
    """What was said of which two, with the way to the page on which it is taken back."""
    for shown in show_pairs([pair], user):
        return format_html(
            "Remembered: <bdi>{}</bdi> and <bdi>{}</bdi> are not the same."
            ' <a href="{}">Look at it again</a>',
            *(side.name for side in shown.sides),
            pair.get_absolute_url(),
        )
    # One of them was merged meanwhile.
    return "Remembered: these two are not the same."


def _read_filters(request: HttpRequest, user: User) -> PairPageFilterSet:
    """The visible pairs, narrowed as the address says."""
    return PairPageFilterSet(request.GET, queryset=Pair.objects.visible_to(user).surest_first())


def _count_bands(pairs: PairQuerySet) -> list[tuple[Band, int]]:
    counted = pairs.order_by().aggregate(
        **{band.value: Count("pk", filter=band.pairs) for band in Band}
    )
    return [(band, counted[band.value]) for band in Band]


def _in_chunks(pairs: PairQuerySet, user: User) -> Iterator[ShownPair]:
    for chunk in chunks(pairs.iterator(chunk_size=EXPORT_CHUNK), EXPORT_CHUNK):
        yield from show_pairs(chunk, user)


def _chart_of(pair: Pair) -> EvidenceChart | None:
    document = current_document(Subject(pair.subject))
    comparison = explain(pair, document)
    return None if comparison is None else lay_out_evidence(comparison, document.threshold)


def _others_of_group(shown: ShownPair, user: User) -> list[ShownPair]:
    pair, visible = shown.pair, Pair.objects.visible_to(user)
    if pair.cluster is not None:
        others = visible.open().in_cluster(pair.cluster)
    elif shown.held_back == BY_GROUP:
        others = visible.known().of_either((pair.survivor, pair.duplicate))
    else:
        return []
    return show_pairs(list(others.surest_first().exclude(pk=pair.pk)[:PAIRS_PER_PAGE]), user)


def _may_be_kept(kind: str, shown: ShownPair) -> bool:
    """Of a lead and a contact the contact is kept."""
    kinds = {side.ref.kind for side in shown.sides}
    return len(kinds) == 1 or kind == "contact"
