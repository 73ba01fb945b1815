"""The dashboard app's configuration."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """The pages that put the cards together."""

    name = "apps.dashboard"
    label = "dashboard"
    verbose_name = "Dashboard"
