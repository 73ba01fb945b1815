"""What can become of a digest."""

from django.db import models


class DigestStatus(models.TextChoices):
    """Where one person's digest of one day stands.

    ``SENDING`` is claimed by one worker. ``UNKNOWN`` may have arrived, so it is never sent again.
    """

    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    FAILED = "failed", "Not sent"
    NOTHING = "nothing", "Nothing to tell"
    UNKNOWN = "unknown", "Not known whether it arrived"
