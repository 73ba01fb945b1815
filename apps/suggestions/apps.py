"""The suggestions app's configuration."""

from __future__ import annotations

from django.apps import AppConfig


class SuggestionsConfig(AppConfig):
    """The pipeline, the packets and their review."""

    name = "apps.suggestions"
    label = "suggestions"
    verbose_name = "Suggestions"

    def ready(self) -> None:
        """Let the pipeline run at the end of each scan."""
        from apps.suggestions.pipeline.run import suggest_after_scan
        from apps.triggers.services import register_follower

        register_follower("Writing suggestions", suggest_after_scan)
