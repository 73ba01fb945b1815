"""Why a record scores as it does, in words: read when somebody looks, in plain Python."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from apps.predictions.columns import Row, Value
from apps.predictions.documents import ModelDocument
from apps.predictions.enums import Prediction
from apps.predictions.exceptions import DocumentRefusedError
from apps.predictions.explaining import Factor, Influence, counterfactual, explain
from apps.predictions.features import Factor as FactorName
from apps.predictions.features import (
    Feature,
    FeatureSet,
    contact_engagement,
    feature_set,
    read_rows,
)
from apps.predictions.levers import LEVERS, Lever
from apps.predictions.models import TrainedModel
from apps.predictions.wording import WORDINGS, Wording, words_for
from apps.tenants.templatetags.aisha_ui import money, number, percent

log = logging.getLogger(__name__)

# So many factors, values of one, and things to do are told.
SHOWN_FACTORS, SHOWN_VALUES, SHOWN_REMEDIES = 8, 3, 2
# What moves a score by less is not told: in percentage points.
LEAST_POINTS, LEAST_REMEDY_POINTS = 0.5, 2.0
# A part of the engagement that neither raises nor lowers it.
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class ShownValue:
    """One thing that is known of the record, and what is usual; in words."""

    label: str
    value: str
    usual: str


@dataclass(frozen=True, slots=True)
class Reason:
    """What one factor does to the score: so many percentage points up (or down, negative)."""

    factor: str
    points: float
    values: tuple[ShownValue, ...]


@dataclass(frozen=True, slots=True)
class Remedy:
    """Something to do, and what the score would be then."""

    words: str
    before_0_1: float
    after_0_1: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A score as it would be now, and why; the strongest reasons first."""

    wording: Wording
    score_0_1: float
    as_of: datetime
    reasons: tuple[Reason, ...]
    remedies: tuple[Remedy, ...]

    @property
    def raised(self) -> tuple[Reason, ...]:
        """What raised it."""
        return tuple(reason for reason in self.reasons if reason.points > 0)

    @property
    def lowered(self) -> tuple[Reason, ...]:
        """What lowered it."""
        return tuple(reason for reason in self.reasons if reason.points < 0)


def explain_score(prediction: Prediction, record_id: int, now: datetime) -> Explanation | None:
    """Explain what is said of one record; None when it is not asked about, or nothing is in service.

    Nothing is explained either where the stored model is refused: the next night makes another.
    """
    if not WORDINGS[prediction].is_chance:
        return explain_engagement(record_id, now)
    model = TrainedModel.objects.serving().filter(prediction=prediction).first()
    if model is None:
        return None
    try:
        return explain_record(model, record_id, now)
    except DocumentRefusedError:
        log.exception("a stored model was refused", extra={"model": model.version})
        return None


def explain_record(model: TrainedModel, record_id: int, now: datetime) -> Explanation | None:
    """Explain what a model says of one record; None when the record is not asked about.

    Raises:
        DocumentRefusedError: the stored model is not what was stored.
    """
    prediction = Prediction(model.prediction)
    features = feature_set(prediction)
    found = read_rows(prediction, now, ids=[record_id], features=features)
    if not found.ids:
        return None
    row = found.by_name(0)
    document = model.read_document()
    score_0_1 = document.probability(row)
    return Explanation(
        WORDINGS[prediction],
        score_0_1,
        now,
        reasons=_reasons(document, row, features),
        remedies=_remedies(document, row, score_0_1, WORDINGS[prediction]),
    )


def explain_engagement(contact_id: int, now: datetime) -> Explanation | None:
    """Tell the parts of a contact's engagement; None when there is no such contact.

    A part's points are how much higher (or lower) the score is than if that part were a half.
    """
    wording = WORDINGS[Prediction.CONTACT_ENGAGEMENT]
    found = contact_engagement(now, ids=[contact_id])
    if not found:
        return None
    (engagement,) = found
    parts = {
        "How lately you were in touch": engagement.recency_0_1,
        "How often you are in touch": engagement.frequency_0_1,
        "How mutual it is": engagement.reciprocity_0_1,
    }
    reasons = [
        Reason(
            name,
            100 * (engagement.score_0_1 - _with_half(engagement.score_0_1, part)),
            (ShownValue("Part", words_for(part, wording), words_for(_HALF, wording)),),
        )
        for name, part in parts.items()
    ]
    reasons.sort(key=lambda reason: -abs(reason.points))
    return Explanation(wording, engagement.score_0_1, now, tuple(reasons), remedies=())


def _with_half(score_0_1: float, part_0_1: float) -> float:
    """The geometric mean of three parts, if one of them were a half; 0 stays 0."""
    return float(score_0_1 * (_HALF / part_0_1) ** (1 / 3)) if part_0_1 else 0.0


def _reasons(document: ModelDocument, row: Row, features: FeatureSet) -> tuple[Reason, ...]:
    known = {column.name for column in document.columns} & set(features.by_name)
    told = [
        influence
        for influence in explain(document, row, _factors(known, features))
        if abs(influence.points) >= LEAST_POINTS
    ]
    return tuple(
        Reason(
            FactorName(influence.factor).label,
            influence.points,
            _values(document, row, influence, features),
        )
        for influence in told[:SHOWN_FACTORS]
    )


def _factors(known: Iterable[str], features: FeatureSet) -> list[Factor]:
    columns: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(known):
        columns[features.by_name[name].factor.value].append(name)
    return [Factor(factor, tuple(names)) for factor, names in columns.items()]


def _values(
    document: ModelDocument, row: Row, influence: Influence, features: FeatureSet
) -> tuple[ShownValue, ...]:
    """The values of a factor that are not as usual, those that move the score most."""
    score = document.probability(row)
    unusual = [name for name, usual in influence.usual.items() if row.get(name) != usual]
    unusual.sort(
        key=lambda name: -abs(score - counterfactual(document, row, {name: influence.usual[name]}))
    )
    currency = str(row.get("currency") or "")
    return tuple(
        ShownValue(
            feature.label,
            _in_words(row.get(name), feature, currency),
            _in_words(influence.usual[name], feature, currency),
        )
        for name in unusual[:SHOWN_VALUES]
        for feature in [features.by_name[name]]
    )


def _in_words(value: Value, feature: Feature, currency: str) -> str:
    if value is None:
        return "not known"
    if isinstance(value, str):
        return value
    match feature.unit:
        case "money":
            return money(value, currency)
        case "share":
            return percent(value)
        case _:
            rounded = round(value, 0 if abs(value) >= 10 else 1)
            return number(int(rounded) if rounded.is_integer() else rounded)


def _remedies(
    document: ModelDocument, row: Row, score_0_1: float, wording: Wording
) -> tuple[Remedy, ...]:
    """What would move the score most for the better."""
    better = 1 if wording.is_good else -1

    def gain(remedy: Remedy) -> float:
        return better * 100 * (remedy.after_0_1 - remedy.before_0_1)

    found = [
        Remedy(lever.words, score_0_1, counterfactual(document, row, lever.changes(row)))
        for lever in _levers(wording)
    ]
    worth_it = [remedy for remedy in found if gain(remedy) >= LEAST_REMEDY_POINTS]
    return tuple(sorted(worth_it, key=lambda remedy: -gain(remedy))[:SHOWN_REMEDIES])


def _levers(wording: Wording) -> tuple[Lever, ...]:
    return LEVERS.get(wording.prediction, ())
