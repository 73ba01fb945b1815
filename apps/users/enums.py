"""The roles of a tenant's people, kept as Django groups, and what people do that goes on record."""

from django.db import models


class PersonRole(models.TextChoices):
    """What a person is in their company; the value is the name of the group."""

    REP = "rep", "Rep"
    MANAGER = "manager", "Manager"
    ADMIN = "admin", "Administrator"


class PersonEvent(models.TextChoices):
    """What a person does to their own access; the audit log keeps it (``apps.users.recorders``)."""

    SIGNED_IN = "signed_in", "Signed in"
    SIGN_IN_FAILED = "sign_in_failed", "Sign-in failed"
    SIGNED_OUT = "signed_out", "Signed out"
    TOKEN_ISSUED = "token_issued", "API token issued"
    TOKEN_REVOKED = "token_revoked", "API token revoked"
    SETTINGS_CHANGED = "settings_changed", "Own settings changed"
