"""What is known of a record besides its own history: its score, and what people decided about it before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.predictions.enums import Prediction
from apps.predictions.models import Score
from apps.suggestions.enums import RejectReason, Verdict
from apps.suggestions.models import Decision
from apps.suggestions.pipeline.context.contexts import Context
from apps.suggestions.pipeline.readers import Readers

_PREDICTIONS: Mapping[RecordKind, Prediction] = {
    RecordKind.LEAD: Prediction.LEAD_CONVERSION,
    RecordKind.OPPORTUNITY: Prediction.DEAL_CLOSE,
    RecordKind.CONTACT: Prediction.CONTACT_ENGAGEMENT,
    RecordKind.ACCOUNT: Prediction.RENEWAL_RISK,
}
# What people thought longer ago tells little of today; more of it than this crowds out the rest.
_DECIDED_WITHIN = timedelta(days=180)
_MOST_DECISIONS = 2
_GOALS = dict(Goal.choices)


def add_scores(kind: RecordKind, contexts: Sequence[Context]) -> None:
    """Add the latest score of each record, where its kind is predicted and it has one; one query."""
    prediction = _PREDICTIONS.get(kind)
    if prediction is None:
        return
    ids = {context.awaiting.record.id for context in contexts}
    rows = Score.objects.filter(prediction=prediction, is_latest=True, record_id__in=ids)
    scores = {row.record_id: row for row in rows}
    for context in contexts:
        score = scores.get(context.awaiting.record.id)
        if score is not None:
            context.add(
                "score",
                prediction.label,
                _percent(score.score_0_1),
                value=score.score_0_1,
                occurred_at=score.scored_at,
            )


def add_decisions(kind: RecordKind, contexts: Sequence[Context], readers: Readers) -> None:
    """Add what was decided about each record lately, newest first, and why it was rejected; one query.

    Of suggestions for somebody whose records a reader does not see, nothing is said; neither is what they
    were called, which may quote what has been given to others since.
    """
    if not contexts:
        return
    since = contexts[0].moment.now - _DECIDED_WITHIN
    by_record: dict[int, list[Context]] = {}
    for context in contexts:
        by_record.setdefault(context.awaiting.record.id, []).append(context)
    rows = (
        Decision.objects.filter(
            suggestion__record_kind=kind,
            suggestion__record_id__in=by_record,
            verdict__in=[Verdict.APPROVE, Verdict.REJECT],
            decided_at__gte=since,
        )
        .order_by("-decided_at", "-pk")
        .values_list(
            "suggestion__record_id",
            "suggestion__assignee_id",
            "goal",
            "verdict",
            "reason",
            "decided_at",
        )
    )
    told: Counter[int] = Counter()
    for record_id, assignee_id, goal, verdict, reason, decided_at in rows:
        for context in by_record[record_id]:
            is_full = told[id(context)] >= _MOST_DECISIONS
            if is_full or not readers.may_see(context.assignee_id, assignee_id):
                continue
            told[id(context)] += 1
            context.add(
                "earlier_decision",
                "Suggested before",
                f"{_GOALS.get(goal, goal)}: {_outcome(verdict, reason)}",
                value=verdict,
                occurred_at=decided_at,
            )


def _outcome(verdict: str, reason: str) -> str:
    if verdict == Verdict.APPROVE:
        return "approved"
    return f"rejected ({RejectReason(reason).label.lower()})" if reason else "rejected"


def _percent(score_0_1: float) -> str:
    """Whole percent; neither 0 nor 100, which no prediction means."""
    return f"{min(99, max(1, round(score_0_1 * 100)))} %"
