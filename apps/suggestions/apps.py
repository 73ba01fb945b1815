"""The suggestions app's configuration."""

from __future__ import annotations

from django.apps import AppConfig


class SuggestionsConfig(AppConfig):
    """The pipeline, the packets and their review."""

    name = "apps.suggestions"
    label = "suggestions"
    verbose_name = "Suggestions"

    def ready(self) -> None:
        """Let the pipeline follow scans, the digest tell of discoveries, and our triggers be looked for."""
        from apps.suggestions import safeguard
        from apps.suggestions.digest.sections import register_section
        from apps.suggestions.discoveries.digest import DiscoveredSection
        from apps.suggestions.live import announcing
        from apps.suggestions.pipeline.run import suggest_after_scan
        from apps.tenants.database_triggers import register_database_triggers
        from apps.triggers.followers import register_follower

        register_section(DiscoveredSection)
        register_follower("Writing suggestions", suggest_after_scan)
        register_database_triggers(safeguard.database_triggers)
        register_database_triggers(announcing.database_triggers)
