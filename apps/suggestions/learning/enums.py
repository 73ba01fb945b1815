"""The vocabularies of learning."""

from __future__ import annotations

from django.db import models


class ResetScope(models.TextChoices):
    """What is learned anew."""

    TENANT = "tenant", "Everything"
    TRIGGER = "trigger", "A trigger"
    TOOL = "tool", "A tool"
    PERSON = "person", "A person"


class QuietBecause(models.TextChoices):
    """Whose decisions made a kind quiet for somebody."""

    OWN = "own", "their own decisions"
    ALL = "all", "the decisions of several people"


class FollowedDays(models.IntegerChoices):
    """After how many days it is looked at what came of a decision."""

    WEEK = 7, "7 days"
    MONTH = 30, "30 days"
    QUARTER = 90, "90 days"
