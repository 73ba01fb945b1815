"""The question to a trigger about the past, as a person puts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict

from apps.triggers.forms import (
    PARAMETER,
    NumberBox,
    judge,
    parameter_fields,
    typed_parameters,
)
from apps.triggers.parameters import DeclaredParameter
from apps.triggers.registry import Trigger
from apps.triggers.replay.services import DEFAULT_DAYS, MOST_DAYS


class ReplayForm(forms.Form):
    """Parameters, with the same boxes as in the trigger's setting, and the number of days."""

    days = forms.IntegerField(
        min_value=1,
        max_value=MOST_DAYS,
        initial=DEFAULT_DAYS,
        label="Over the last",
        help_text=f"1 to {MOST_DAYS} days.",
        widget=NumberBox,
    )

    def __init__(
        self,
        trigger: Trigger[Any],
        chosen: Mapping[str, int],
        *,
        days: int = DEFAULT_DAYS,
        data: QueryDict | None = None,
    ) -> None:
        super().__init__(data, initial={"days": days}, auto_id="replay_%s")
        self.trigger = trigger
        # A run may be older than one of the trigger's parameters.
        shown = {p.name: chosen.get(p.name, p.default) for p in trigger.declared}
        boxes = parameter_fields(trigger, shown, number=NumberBox, switch=forms.CheckboxInput)
        self.fields = {**boxes, **self.fields}

    @property
    def rows(self) -> list[tuple[forms.BoundField, DeclaredParameter]]:
        """The parameters' boxes, each with what is told about it."""
        return [(self[PARAMETER + declared.name], declared) for declared in self.trigger.declared]

    @property
    def problems(self) -> list[tuple[str, str]]:
        """What is wrong, with the label of the box; without one when it lies in several."""
        return [
            (str(self[name].label) if name in self.fields else "", str(message))
            for name, messages in self.errors.items()
            for message in messages
        ]

    @property
    def typed_parameters(self) -> dict[str, int]:
        """What was typed, by name."""
        return typed_parameters(self.cleaned_data)

    def clean(self) -> dict[str, Any]:
        """Let the trigger judge the parameters, one by one and together."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        judge(self, self.trigger, cleaned)
        return cleaned
