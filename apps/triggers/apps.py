"""The triggers app's configuration."""

from django.apps import AppConfig


class TriggersConfig(AppConfig):
    """Triggers, signals, silences and scans."""

    name = "apps.triggers"
    label = "triggers"
    verbose_name = "Triggers"

    def ready(self) -> None:
        """Register the check of the triggers."""
        from apps.triggers import checks  # noqa: F401
