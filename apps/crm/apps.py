"""The CRM app's configuration."""

from django.apps import AppConfig


class CrmConfig(AppConfig):
    """Records, custom fields, change log and import."""

    name = "apps.crm"
    label = "crm"
    verbose_name = "CRM"

    def ready(self) -> None:
        """Have the triggers of the change log looked for at the start."""
        from apps.crm.changelog import database_triggers
        from apps.tenants.database_triggers import register_database_triggers

        register_database_triggers(database_triggers)
