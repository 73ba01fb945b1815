"""The triggers app's configuration."""

from django.apps import AppConfig


class TriggersConfig(AppConfig):
    """Triggers, signals, silences and scans."""

    name = "apps.triggers"
    label = "triggers"
    verbose_name = "Triggers"

    def ready(self) -> None:
        """Register the check of the triggers, and hear of imports."""
        from apps.crm.importing.ended import register_import_follower
        from apps.triggers import checks  # noqa: F401
        from apps.triggers.imports import look_at_what_is_untold

        register_import_follower(look_at_what_is_untold)
