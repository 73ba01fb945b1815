"""The present scores of the records that a person may see, the highest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.audit.exporting import filters_asked, send_table
from apps.crm.models import Record
from apps.crm.services import visible_records
from apps.predictions.forms import ScoreFilterSet
from apps.predictions.models import Score
from apps.predictions.service_states import read_service
from apps.predictions.views.access import viewer_of
from apps.predictions.wording import WORDINGS, Wording, words_for
from apps.tenants.chunks import chunks
from apps.tenants.pagination import CappedPaginator
from apps.users.models import User

SCORES_PER_PAGE = 50
EXPORT_CHUNK = 500
HEADER = ("Prediction", "Record id", "Record", "Owner", "Score (0 to 1)", "Since", "Model")


@dataclass(frozen=True, slots=True)
class ScoredRecord:
    """A score and the record that has it."""

    score: Score
    record: Record
    words: str


@require_safe
def list_scores(request: HttpRequest) -> HttpResponse:
    """The scores of one prediction, the highest first."""
    user, filters = viewer_of(request), _read_filters(request)
    service = read_service(request.tenant, filters.chosen)  # type: ignore[attr-defined]
    shown = filters.qs if service.state.shows_scores else filters.qs.none()
    page = CappedPaginator(shown, SCORES_PER_PAGE, request.GET.get("page")).asked_page()
    context = {
        "nav_section": "predictions",
        "tab": "scores",
        "filters": filters.form,
        "service": service,
        "page": page,
        "rows": list(_with_records(user, list(page), service.wording)),
    }
    return render(request, "predictions/score_list.html", context)


@require_safe
def export_scores(request: HttpRequest) -> HttpResponseBase:
    """The scores as they are on screen, all pages of them, as a CSV file."""
    user, filters = viewer_of(request), _read_filters(request)
    service = read_service(request.tenant, filters.chosen)  # type: ignore[attr-defined]
    shown = filters.qs if service.state.shows_scores else filters.qs.none()
    wording = WORDINGS[filters.chosen]
    rows = (
        (
            wording.title,
            row.record.pk,
            str(row.record),
            str(row.record.owner or ""),
            round(row.score.score_0_1, 4),
            row.score.scored_at,
            row.score.model_version,
        )
        for chunk in chunks(shown.iterator(chunk_size=EXPORT_CHUNK), EXPORT_CHUNK)
        for row in _with_records(user, chunk, wording)
    )
    return send_table(
        request,
        user,
        what=f"scores-{filters.chosen}",
        header=HEADER,
        rows=rows,
        filters=filters_asked(filters.form),
    )


def _read_filters(request: HttpRequest) -> ScoreFilterSet:
    visible = Score.objects.filter(is_latest=True).visible_to(viewer_of(request))
    return ScoreFilterSet(request.GET, queryset=visible.order_by("-score_0_1", "-id"))


def _with_records(user: User, scores: Sequence[Score], wording: Wording) -> Iterator[ScoredRecord]:
    """Each score with its record, in one query; those whose record is gone are left out."""
    records = visible_records(user, wording.layout.model).select_related("owner")
    found = records.in_bulk([score.record_id for score in scores])
    for score in scores:
        if score.record_id in found:
            record = found[score.record_id]
            yield ScoredRecord(score, record, words_for(score.score_0_1, wording))
