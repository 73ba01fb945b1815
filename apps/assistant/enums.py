"""What people want of the assistant, and who says what."""

from django.db import models


class Intent(models.TextChoices):
    """What a person wants with a message."""

    QUESTION = "question", "Question"
    PROPOSE = "propose", "To have something proposed"
    NAVIGATE = "navigate", "To go to a page"
    OUT_OF_SCOPE = "out_of_scope", "Something that AiSHA does not do"


class Speaker(models.TextChoices):
    """Whose words a message holds."""

    PERSON = "person", "Person"
    ASSISTANT = "assistant", "AiSHA"


class MessageState(models.TextChoices):
    """How far a message got."""

    WHOLE = "whole", "Said"
    CUT_SHORT = "cut_short", "Cut short"
    FAILED = "failed", "Not answered"
