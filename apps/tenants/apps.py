"""The tenants app's configuration."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """Tenants, their host names and module gates, and the database roles."""

    name = "apps.tenants"
    label = "tenants"
    verbose_name = "Tenants"

    def ready(self) -> None:
        """Register the check of the grants in force, and look-ups."""
        from apps.tenants import checks, lookups  # noqa: F401
