"""The suggestions app's configuration."""

from django.apps import AppConfig


class SuggestionsConfig(AppConfig):
    """The pipeline, the packets and their review."""

    name = "apps.suggestions"
    label = "suggestions"
    verbose_name = "Suggestions"
