"""The reading vocabulary of scores, models, runs and forecasts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Self

from django.db import models

from apps.crm.models import Account, Contact, Lead, Opportunity
from apps.crm.services import permission_name, visible_records
from apps.predictions.enums import ModelState, Prediction

if TYPE_CHECKING:
    # Ruff does not see a use inside the quotes of a base class.
    from apps.predictions.models import (
        Forecast,  # noqa: F401
        SalesTarget,  # noqa: F401
        Score,  # noqa: F401
        TrainedModel,
    )
    from apps.users.models import User

# The records of which something is predicted.
_SCORED = {model.kind: model for model in (Lead, Contact, Account, Opportunity)}


class ScoreQuerySet(models.QuerySet["Score"]):
    """Scores."""

    def latest_of(self, prediction: Prediction) -> Self:
        """The latest score of each record that has one."""
        return self.filter(prediction=prediction, is_latest=True)

    def visible_to(self, user: User) -> Self:
        """Scores of records that this person may see."""
        visible = models.Q()
        for kind, model in _SCORED.items():
            of_kind = models.Q(record_kind=kind)
            if not user.has_perm(permission_name("view", model)):
                continue
            if not user.sees_all:
                of_kind &= models.Q(record_id__in=visible_records(user, model).values("pk"))
            visible |= of_kind
        return self.filter(visible) if visible else self.none()

    def of_record(self, kind: str, record_id: int) -> Self:
        """The scores of one record, the newest first."""
        return self.filter(record_kind=kind, record_id=record_id)


class TrainedModelQuerySet(models.QuerySet["TrainedModel"]):
    """Trained models."""

    def serving(self) -> Self:
        """Those whose scores are shown: at most one a prediction."""
        return self.filter(state=ModelState.SERVING)

    def newest(self, prediction: Prediction) -> TrainedModel | None:
        """The model that was trained last, whatever became of it."""
        return self.filter(prediction=prediction).order_by("-number").first()

    def without_document(self) -> Self:
        """For lists and cards: the documents are large."""
        return self.defer("document")


class ForecastQuerySet(models.QuerySet["Forecast"]):
    """Published forecasts."""

    def visible_to(self, user: User) -> Self:
        """Those of whom this person may see."""
        return self.filter(_of_visible(user))

    def of_company(self) -> Self:
        """The company's own."""
        return self.filter(team=None, owner=None)

    def made_by(self, day: date) -> Self:
        """Made on that day or before it, the newest first."""
        return self.filter(made_on__lte=day).order_by("-made_on")


class SalesTargetQuerySet(models.QuerySet["SalesTarget"]):
    """Sales targets."""

    def visible_to(self, user: User) -> Self:
        """Those of whom this person may see."""
        return self.filter(_of_visible(user))


def _of_visible(user: User) -> models.Q:
    """A rep sees their own and their team's; who sees all records, the company's too."""
    if user.sees_all:
        return models.Q()
    visible = models.Q(owner=user)
    if user.team_id is not None:
        visible |= models.Q(team=user.team_id) | models.Q(owner__team=user.team_id)
    return visible
