"""What a threshold is worth: how many pairs lie above it, and how right and complete that is."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from apps.duplicates.enums import Subject
from apps.duplicates.matching.documents import Estimate
from apps.duplicates.models import Pair
from apps.duplicates.services.judging import current_document, least_kept
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class ThresholdStep:
    """All pairs of at least this probability: how many the person sees, precision and recall (0 to 1)."""

    probability: float
    pairs: int
    precision: float
    recall: float

    @property
    def percent(self) -> str:
        """The probability in percent, as it is typed: steps near certainty differ by tenths."""
        return f"{100 * self.probability:g}"

    @property
    def point(self) -> tuple[float, float, float]:
        """Its place in a square of 100: across, and down to precision and to recall."""
        return 100 * self.probability, 100 * (1 - self.precision), 100 * (1 - self.recall)


@dataclass(frozen=True, slots=True)
class ThresholdTable:
    """The steps of one subject, the lowest first; ``chosen`` is the threshold in force.

    ``is_estimated`` is False as long as nothing was learned from the company's own records.
    """

    subject: Subject
    is_estimated: bool
    chosen: ThresholdStep | None
    steps: tuple[ThresholdStep, ...]

    @property
    def precision_line(self) -> str:
        """The points of the line of precision, for an SVG of 100 by 100."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in (step.point for step in self.steps))

    @property
    def recall_line(self) -> str:
        """The points of the line of recall."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, _, y in (step.point for step in self.steps))


def read_thresholds(subject: Subject, user: User) -> ThresholdTable:
    """The steps with how many open pairs this person sees of each: two queries."""
    document = current_document(subject)
    steps = [step for step in document.estimates if step.probability >= least_kept(document)]
    if not steps:
        return ThresholdTable(subject, document.is_estimated, None, ())
    at_threshold = _at(document.estimates, document.threshold)
    wanted = [*(step.probability for step in steps), document.threshold]
    counts = _count(subject, wanted, user)
    chosen = ThresholdStep(
        document.threshold, counts[-1], at_threshold.precision, at_threshold.recall
    )
    return ThresholdTable(
        subject,
        document.is_estimated,
        chosen,
        tuple(
            ThresholdStep(step.probability, count, step.precision, step.recall)
            for step, count in zip(steps, counts, strict=False)
        ),
    )


def _at(estimates: tuple[Estimate, ...], threshold: float) -> Estimate:
    """The estimate at a threshold, on the line between the steps around it."""
    above = next((one for one in estimates if one.probability >= threshold), estimates[-1])
    below = next((one for one in reversed(estimates) if one.probability <= threshold), estimates[0])
    span = above.probability - below.probability
    share = (threshold - below.probability) / span if span > 0 else 0.0

    def between(low: float, high: float) -> float:
        return low + share * (high - low)

    return Estimate(
        probability=threshold,
        precision=between(below.precision, above.precision),
        recall=between(below.recall, above.recall),
    )


def _count(subject: Subject, probabilities: list[float], user: User) -> list[int]:
    pairs = Pair.objects.visible_to(user).open().of_subject(subject).filter(has_conflict=False)
    counted = pairs.aggregate(
        **{
            f"at_{number}": Count("pk", filter=Q(probability__gte=probability))
            for number, probability in enumerate(probabilities)
        }
    )
    return [counted[f"at_{number}"] for number in range(len(probabilities))]
