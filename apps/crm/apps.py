"""The CRM app's configuration."""

from django.apps import AppConfig


class CrmConfig(AppConfig):
    """Records, custom fields, change log and import."""

    name = "apps.crm"
    label = "crm"
    verbose_name = "CRM"
