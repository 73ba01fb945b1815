"""Whose work the first page is about."""

from django.db import models


class Scope(models.TextChoices):
    """Whose deals, tasks and suggestions are counted."""

    ME = "me", "Me"
    TEAM = "team", "My team"
    EVERYONE = "everyone", "Everyone"


class Direction(models.TextChoices):
    """Which way a deal went from one stage to another."""

    FORWARD = "forward", "Forward"
    BACK = "back", "Back"
    WON = "won", "Won"
    LOST = "lost", "Lost"
