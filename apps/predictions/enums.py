"""What is predicted."""

from django.db import models


class Prediction(models.TextChoices):
    """A question that a score answers, from 0 to 1."""

    LEAD_CONVERSION = "lead_conversion", "Lead conversion"
    DEAL_CLOSE = "deal_close", "Deal close"
    CONTACT_ENGAGEMENT = "contact_engagement", "Contact engagement"
    RENEWAL_RISK = "renewal_risk", "Renewal risk"


class Rung(models.TextChoices):
    """The steps of the ladder: each needs more outcomes than the one before."""

    BASE_RATE = "base_rate", "Base rate"
    FREQUENCIES = "frequencies", "Shrunken frequencies"
    LOGISTIC = "logistic", "Logistic regression"
    BOOSTING = "boosting", "Boosting"
