"""The roles of a tenant's people, kept as Django groups, and what people do that goes on record."""

from django.db import models


class PersonRole(models.TextChoices):
    """What a person is in their company; the value is the name of the group."""

    REP = "rep", "Rep"
    MANAGER = "manager", "Manager"
    ADMIN = "admin", "Administrator"


class Scope(models.TextChoices):
    """What a token may be used for; its person's role is asked besides."""

    READ = "read", "Read everything that you see"
    RECORDS_WRITE = "records:write", "Create and change records"
    SUGGESTIONS_DECIDE = "suggestions:decide", "Decide on suggestions"
    SCANS_START = "scans:start", "Start scans and replays"
    SETTINGS_WRITE = "settings:write", "Change settings"
    TALK = "talk", "Talk to AiSHA, and have changes proposed"


class PersonEvent(models.TextChoices):
    """What a person does to their own access; the audit log keeps it (``apps.users.recorders``)."""

    SIGNED_IN = "signed_in", "Signed in"
    SIGN_IN_FAILED = "sign_in_failed", "Sign-in failed"
    SIGNED_OUT = "signed_out", "Signed out"
    TOKEN_ISSUED = "token_issued", "API token issued"
    TOKEN_REVOKED = "token_revoked", "API token revoked"
    SCOPE_REFUSED = "scope_refused", "Refused: beyond the API token's scopes"
    SETTINGS_CHANGED = "settings_changed", "Own settings changed"
