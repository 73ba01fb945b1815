"""The Brain app's configuration."""

from django.apps import AppConfig


class BrainConfig(AppConfig):
    """The only door to a language model or to the built-in rules."""

    name = "apps.brain"
    label = "brain"
    verbose_name = "Brain"
