"""The form of an endpoint, and what the list of messages is narrowed by."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.http import QueryDict

from apps.suggestions.webhooks.enums import TEST, DeliveryState, EventKind
from apps.suggestions.webhooks.models import LONGEST_URL, WebhookDelivery, WebhookEndpoint


class EndpointForm(forms.Form):
    """Who listens, and to what."""

    name = forms.CharField(max_length=100, help_text="What it is called here.")
    url = forms.CharField(
        label="Address",
        max_length=LONGEST_URL,
        widget=forms.URLInput,
        help_text="Messages are posted to it. It begins with https:// and stands on the public internet.",
    )
    events = forms.MultipleChoiceField(
        label="Tell it of", choices=EventKind.choices, widget=forms.CheckboxSelectMultiple
    )
    revision_read = forms.IntegerField(min_value=0, required=False, widget=forms.HiddenInput)

    @classmethod
    def of(cls, endpoint: WebhookEndpoint) -> EndpointForm:
        """The form with the present values in it."""
        return cls(
            initial={
                "name": endpoint.name,
                "url": endpoint.url,
                "events": endpoint.events,
                "revision_read": endpoint.revision,
            }
        )

    def values(self) -> dict[str, Any]:
        """What was typed, without the revision."""
        return {name: self.cleaned_data[name] for name in ("name", "url", "events")}

    def refuse(self, problems: dict[str, list[str]]) -> None:
        """Say at each field what is wrong with it."""
        for name, messages in problems.items():
            for message in messages:
                self.add_error(name if name in self.fields else None, message)


class DeliveryFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """By endpoint, state and event."""

    endpoint = django_filters.ModelChoiceFilter(
        queryset=lambda request: WebhookEndpoint.objects.all(), empty_label="Any", label="Webhook"
    )
    state = django_filters.ChoiceFilter(
        choices=DeliveryState.choices, empty_label="Any", label="State"
    )
    kind = django_filters.ChoiceFilter(
        choices=[*EventKind.choices, (TEST, "Test")], empty_label="Any", label="Event"
    )

    class Meta:
        model = WebhookDelivery
        fields = ("endpoint", "state", "kind")

    def __init__(self, data: QueryDict, *, queryset: QuerySet[WebhookDelivery]) -> None:
        super().__init__(data, queryset=queryset)
