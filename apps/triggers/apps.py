"""The triggers app's configuration."""

from django.apps import AppConfig


class TriggersConfig(AppConfig):
    """Triggers, signals, silences and scans."""

    name = "apps.triggers"
    label = "triggers"
    verbose_name = "Triggers"
