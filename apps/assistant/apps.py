"""The assistant app's configuration."""

from django.apps import AppConfig


class AssistantConfig(AppConfig):
    """Conversations of people with AiSHA."""

    name = "apps.assistant"
    label = "assistant"
    verbose_name = "Assistant"

    def ready(self) -> None:
        """Let answers tell of suggestions and discoveries."""
        # Models can be imported only when all apps are there.
        from apps.assistant.reading import DISCOVERED, WAITING_SUGGESTIONS
        from apps.brain.reading.tools import register_read_tool

        register_read_tool(WAITING_SUGGESTIONS)
        register_read_tool(DISCOVERED)
