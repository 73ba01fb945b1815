"""The execution app's configuration."""

from django.apps import AppConfig


class ExecutionConfig(AppConfig):
    """Tools and the one road on which an approved change is written."""

    name = "apps.execution"
    label = "execution"
    verbose_name = "Execution"
