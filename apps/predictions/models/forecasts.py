"""Forecasts of won revenue as they were published, day by day, and the targets beside them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.predictions.enums import ForecastWindow
from apps.predictions.querysets import ForecastQuerySet, SalesTargetQuerySet
from apps.users.models import Team


class Forecast(models.Model):
    """Won revenue of one stretch of time, of the company, a team or a person, as foreseen on a day.

    Neither team nor owner: the company. Amounts are in ``currency``, and hold what was won so far in the
    stretch. ``figures`` is a ``schemas.ForecastFigures``: method and why, parts, each deal's share,
    backtest.
    """

    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="+")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+"
    )
    window = models.CharField(max_length=20, choices=ForecastWindow.choices)
    starts_on = models.DateField()
    ends_on = models.DateField()
    currency = models.CharField(max_length=3)
    made_on = models.DateField()
    made_at = models.DateTimeField(db_default=Now())
    p10 = models.DecimalField(max_digits=16, decimal_places=2)
    p50 = models.DecimalField(max_digits=16, decimal_places=2)
    p90 = models.DecimalField(max_digits=16, decimal_places=2)
    won_so_far = models.DecimalField(max_digits=16, decimal_places=2)
    figures = models.JSONField()

    objects = ForecastQuerySet.as_manager()

    class Meta:
        ordering = ["-made_on", "window", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["window", "currency", "team", "owner", "made_on"],
                name="one_forecast_a_day",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(window__in=ForecastWindow.values), name="forecast_window_is_known"
            ),
            models.CheckConstraint(
                condition=Q(p10__lte=models.F("p50"), p50__lte=models.F("p90")),
                name="forecast_is_in_order",
            ),
            models.CheckConstraint(
                condition=Q(team=None) | Q(owner=None), name="forecast_is_of_one_scope"
            ),
        ]
        indexes = [models.Index(fields=["made_on"], name="forecast_by_day")]

    def __str__(self) -> str:
        return f"{self.get_window_display()} as of {self.made_on}"


class SalesTarget(models.Model):
    """What the company, a team or a person means to win in a quarter or month that starts on a day."""

    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    starts_on = models.DateField()
    months = models.PositiveSmallIntegerField(choices=[(1, "Month"), (3, "Quarter")], default=3)
    amount = models.DecimalField(max_digits=16, decimal_places=2)
    currency = models.CharField(max_length=3)
    # Counts the changes, for those who change it at the same time.
    revision = models.PositiveIntegerField(default=1, editable=False)

    objects = SalesTargetQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["starts_on", "months", "currency", "team", "owner"],
                name="one_target_a_period",
                nulls_distinct=False,
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="target_is_positive"),
            models.CheckConstraint(
                condition=Q(team=None) | Q(owner=None), name="target_is_of_one_scope"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} from {self.starts_on}"
