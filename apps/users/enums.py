"""The three roles of a tenant's people, kept as Django groups."""

from django.db import models


class PersonRole(models.TextChoices):
    """What a person is in their company; the value is the name of the group."""

    REP = "rep", "Rep"
    MANAGER = "manager", "Manager"
    ADMIN = "admin", "Administrator"
