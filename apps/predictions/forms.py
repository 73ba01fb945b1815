"""Forms of the pages about predictions."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.http import QueryDict

from apps.predictions.enums import Prediction, RunKind, RunStatus
from apps.predictions.models import PredictionRun, Score
from apps.predictions.querysets import ScoreQuerySet


class RunForm(forms.Form):
    """Which run is wanted."""

    kind = forms.ChoiceField(choices=RunKind.choices)
    prediction = forms.ChoiceField(choices=Prediction.choices, required=False)

    @property
    def run_kind(self) -> RunKind:
        """The kind."""
        return RunKind(self.cleaned_data["kind"])

    @property
    def run_prediction(self) -> Prediction | None:
        """The prediction, if one was named."""
        named = self.cleaned_data["prediction"]
        return Prediction(named) if named else None


class RunFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list of runs is narrowed by."""

    kind = django_filters.ChoiceFilter(choices=RunKind.choices, empty_label="Any")
    prediction = django_filters.ChoiceFilter(choices=Prediction.choices, empty_label="Any")
    status = django_filters.ChoiceFilter(
        choices=RunStatus.choices, empty_label="Any", label="State"
    )

    class Meta:
        model = PredictionRun
        fields = ("kind", "prediction", "status")


class ScoreFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list of present scores is narrowed by. There is always one prediction."""

    prediction = django_filters.ChoiceFilter(
        choices=Prediction.choices, empty_label=None, initial=Prediction.LEAD_CONVERSION.value
    )
    at_least = django_filters.NumberFilter(
        field_name="score_0_1", method="filter_at_least", label="At least (%)"
    )

    class Meta:
        model = Score
        fields = ("prediction", "at_least")

    def __init__(self, data: QueryDict, *, queryset: ScoreQuerySet) -> None:
        filled = data.copy()
        if filled.get("prediction") not in Prediction.values:
            filled["prediction"] = Prediction.LEAD_CONVERSION.value
        super().__init__(filled, queryset=queryset)

    @property
    def chosen(self) -> Prediction:
        """The prediction whose scores are listed."""
        return Prediction(self.data["prediction"])

    def filter_at_least(self, scores: ScoreQuerySet, name: str, percent: Any) -> ScoreQuerySet:
        """Scores of so many percent or more."""
        return scores.filter(score_0_1__gte=float(percent) / 100)
