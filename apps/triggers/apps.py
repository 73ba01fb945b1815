"""The triggers app's configuration."""

from django.apps import AppConfig


class TriggersConfig(AppConfig):
    """Triggers, signals, silences and scans."""

    name = "apps.triggers"
    label = "triggers"
    verbose_name = "Triggers"

    def ready(self) -> None:
        """Register the check of the triggers, and hear of imports."""
        from apps.triggers import checks, imports  # noqa: F401
