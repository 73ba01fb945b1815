"""Forms of the pages about predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import django_filters
from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict

from apps.predictions.enums import Prediction, RunKind
from apps.predictions.models import PredictionRun, Score
from apps.predictions.querysets import ScoreQuerySet
from apps.predictions.schemas import TrialQuestion
from apps.predictions.trial_uploads import MAX_BYTES, MAX_COLUMNS, MAX_ROWS, SampledColumn
from apps.tenants.work.enums import WorkStatus


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


class TrialUploadForm(forms.Form):
    """The table to try predictions on."""

    file = forms.FileField(
        label="CSV file",
        help_text=f"With column names in the first row, at most {MAX_BYTES // 1024 // 1024} MB, "
        f"{MAX_ROWS:,} rows and {MAX_COLUMNS} columns. Any delimiter and encoding that an import takes.",
        error_messages={"empty": "The file is empty.", "required": "Choose a file."},
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv"}),
    )

    def clean_file(self) -> UploadedFile[Any]:
        """Refuse what is too large before it is kept."""
        upload: UploadedFile[Any] = self.cleaned_data["file"]
        if (upload.size or 0) > MAX_BYTES:
            raise forms.ValidationError(
                f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Try a part of it."
            )
        return upload


class TrialQuestionForm(forms.Form):
    """What is asked of the table: the outcome, what stands there when it came, the time, what is left out."""

    label = forms.ChoiceField(
        label="Which column holds the outcome?", help_text="Such as a stage, a status, won or lost."
    )
    positive = forms.CharField(
        label="What stands there when it came about?",
        max_length=200,
        help_text="As it is written in the file, such as Won. Empty cells are left out.",
    )
    time = forms.ChoiceField(
        label="Which column is the time?",
        required=False,
        help_text="Then it learns from the earlier rows and is judged on the newest. Without one, on parts "
        "drawn at random.",
    )
    drop = forms.MultipleChoiceField(
        label="What is known only afterwards?",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Such as a closing day or a reason. What gives the outcome away is refused anyway.",
    )

    def __init__(self, columns: Sequence[SampledColumn], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(column.name, column.name) for column in columns]
        for name, choices in (
            ("label", [("", "Choose"), *names]), ("time", [("", "None"), *names]), ("drop", names),
        ):  # fmt: skip
            cast(forms.ChoiceField, self.fields[name]).choices = choices

    def clean(self) -> dict[str, Any]:
        """The outcome is nothing else besides."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        label = cleaned.get("label")
        if label and cleaned.get("time") == label:
            self.add_error("time", "The outcome cannot be the time, too.")
        if label and label in cleaned.get("drop", []):
            self.add_error("drop", "The outcome cannot be left out.")
        return cleaned

    @property
    def question(self) -> TrialQuestion:
        """The question."""
        chosen = self.cleaned_data
        return TrialQuestion(
            label=chosen["label"],
            positive=chosen["positive"],
            time=chosen["time"] or None,
            drop=tuple(chosen["drop"]),
        )


class RunFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list of runs is narrowed by."""

    kind = django_filters.ChoiceFilter(choices=RunKind.choices, empty_label="Any")
    prediction = django_filters.ChoiceFilter(choices=Prediction.choices, empty_label="Any")
    status = django_filters.ChoiceFilter(
        choices=WorkStatus.choices, empty_label="Any", label="State"
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
