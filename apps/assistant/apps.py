"""The assistant app's configuration."""

from django.apps import AppConfig


class AssistantConfig(AppConfig):
    """Conversations of people with AiSHA."""

    name = "apps.assistant"
    label = "assistant"
    verbose_name = "Assistant"
