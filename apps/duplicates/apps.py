"""The duplicates app's configuration."""

from django.apps import AppConfig


class DuplicatesConfig(AppConfig):
    """Which records are the same person or company."""

    name = "apps.duplicates"
    label = "duplicates"
    verbose_name = "Duplicates"
