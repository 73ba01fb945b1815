"""The realtime app's configuration."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    """Realtime voice, and what happens on its connections."""

    name = "apps.realtime"
    label = "realtime"
    verbose_name = "Realtime voice"
