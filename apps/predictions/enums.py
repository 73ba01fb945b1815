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


class ModelState(models.TextChoices):
    """What becomes of a trained model."""

    SERVING = "serving", "In service"
    FORMER = "former", "Replaced"
    WAITING = "waiting", "Waits: a manager has chosen another"
    UNPROVEN = "unproven", "No better than the base rate"
    WITHDRAWN = "withdrawn", "Taken out of service"


class ServiceState(models.TextChoices):
    """Whether a prediction shows scores, and if not, why."""

    FORMULA = "formula", "In service"
    SERVING = "serving", "In service"
    PINNED = "pinned", "In service, chosen by a person"
    UNTRAINED = "untrained", "Nothing learned yet"
    UNPROVEN = "unproven", "No better than the base rate"
    WITHDRAWN = "withdrawn", "Taken out of service"
    OFF = "off", "Switched off"

    @property
    def shows_scores(self) -> bool:
        """Whether scores are shown in this state."""
        return self in {self.FORMULA, self.SERVING, self.PINNED}


class RunKind(models.TextChoices):
    """What a run of the engine does."""

    TRAINING = "training", "Training"
    SCORING = "scoring", "Scoring"
    FORECAST = "forecast", "Forecast"


class ForecastWindow(models.TextChoices):
    """The stretch of time whose won revenue is forecast."""

    THIS_MONTH = "this_month", "This month"
    NEXT_MONTH = "next_month", "Next month"
    QUARTER = "quarter", "This quarter"
