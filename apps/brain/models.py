"""The Brain's settings, its budget, how its provider fares, and the log of calls."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from apps.brain.enums import CallOutcome, FallBack, Language, Mode, Provider, Tone

# A settings table has one row, or none: then all is as declared here.
ONLY_ROW = 1
_ONE_ROW = Q(id=ONLY_ROW)


class BrainSettings(models.Model):
    """Who writes for this tenant, within which bounds and at what cost.

    An empty ``base_url``, ``model`` or key stands for the operator's. Prices are US dollars for a million
    tokens, and stand for the list price when set.
    """

    provider = models.CharField(
        max_length=20, choices=Provider.choices, default=Provider.RULES, verbose_name="Written by"
    )
    base_url = models.URLField(max_length=300, blank=True, verbose_name="Address")
    model = models.CharField(max_length=100, blank=True)
    sealed_key = models.TextField(blank=True, editable=False)
    key_ends_in = models.CharField(max_length=4, blank=True, editable=False)

    tone = models.CharField(max_length=20, choices=Tone.choices, default=Tone.PLAIN)
    language = models.CharField(max_length=20, choices=Language.choices, default=Language.ENGLISH)

    connect_timeout_s = models.PositiveSmallIntegerField(
        default=5, validators=[MinValueValidator(1), MaxValueValidator(30)]
    )
    read_timeout_s = models.PositiveSmallIntegerField(
        default=30, validators=[MinValueValidator(1), MaxValueValidator(120)]
    )
    most_retries = models.PositiveSmallIntegerField(
        default=2, validators=[MaxValueValidator(5)], verbose_name="Retries"
    )
    concurrency = models.PositiveSmallIntegerField(
        default=8, validators=[MinValueValidator(1), MaxValueValidator(64)]
    )

    soft_limit_usd = models.DecimalField(
        max_digits=10, decimal_places=2, default=Decimal(20), validators=[MinValueValidator(0)]
    )
    hard_limit_usd = models.DecimalField(
        max_digits=10, decimal_places=2, default=Decimal(50), validators=[MinValueValidator(0)]
    )
    soft_limit_tokens = models.BigIntegerField(
        default=20_000_000, validators=[MinValueValidator(0)]
    )
    hard_limit_tokens = models.BigIntegerField(
        default=50_000_000, validators=[MinValueValidator(0)]
    )
    input_usd = models.DecimalField(
        max_digits=10, decimal_places=4, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    cached_usd = models.DecimalField(
        max_digits=10, decimal_places=4, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    output_usd = models.DecimalField(
        max_digits=10, decimal_places=4, null=True, blank=True, validators=[MinValueValidator(0)]
    )

    captures_text = models.BooleanField(default=False, verbose_name="Keep prompts and answers")
    capture_days = models.PositiveSmallIntegerField(
        default=7, validators=[MinValueValidator(1), MaxValueValidator(90)]
    )
    revision = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name_plural = "brain settings"
        constraints = [
            models.CheckConstraint(condition=_ONE_ROW, name="one_row_of_brain_settings"),
            models.CheckConstraint(
                condition=Q(soft_limit_usd__lte=F("hard_limit_usd"))
                & Q(soft_limit_tokens__lte=F("hard_limit_tokens")),
                name="brain_soft_limit_is_below_hard",
            ),
            models.CheckConstraint(
                condition=Q(input_usd=None, cached_usd=None, output_usd=None)
                | Q(
                    input_usd__isnull=False,
                    cached_usd__isnull=False,
                    output_usd__isnull=False,
                ),
                name="brain_own_price_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.get_provider_display()


class ProviderState(models.Model):
    """How the tenant's language model fares: the circuit breaker that all workers share.

    ``fell_back_because`` says why the rules write in its place at present, since ``fell_back_at``.
    """

    failures = models.PositiveIntegerField(default=0)
    rests_until = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    fell_back_because = models.CharField(max_length=20, choices=FallBack.choices, blank=True)
    fell_back_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=_ONE_ROW, name="one_row_of_provider_state")]

    def __str__(self) -> str:
        return self.fell_back_because or "reachable"


class BudgetMonth(models.Model):
    """What a month has cost and what is set aside for calls under way, in tokens and US dollars."""

    begins_on = models.DateField(unique=True)
    tokens_reserved = models.BigIntegerField(default=0)
    tokens_spent = models.BigIntegerField(default=0)
    usd_reserved = models.DecimalField(max_digits=14, decimal_places=6, default=Decimal(0))
    usd_spent = models.DecimalField(max_digits=14, decimal_places=6, default=Decimal(0))
    soft_limit_told_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-begins_on"]

    def __str__(self) -> str:
        return f"{self.begins_on:%B %Y}"


class BudgetReservation(models.Model):
    """What one batch of calls may cost at most, set aside before it is asked.

    One that is never settled, because its worker was killed, counts as spent: nobody knows what was.
    """

    month = models.ForeignKey(BudgetMonth, on_delete=models.PROTECT, related_name="reservations")
    tokens = models.BigIntegerField()
    usd = models.DecimalField(max_digits=14, decimal_places=6)
    made_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    is_lost = models.BooleanField(default=False)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["made_at"], condition=Q(settled_at=None), name="brain_reservation_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tokens} tokens, {self.usd} USD"


class BrainCall(models.Model):
    """One call: who answered, in which mode, how long it took, what came of it. Never prompt text.

    The rules answer a batch in one call, a language model one task. ``fell_back_because``: why the rules
    answered in the model's place. ``dropped_code``: why what was proposed did not hold.
    """

    called_at = models.DateTimeField(db_default=Now())
    provider = models.CharField(max_length=20, choices=Provider.choices)
    mode = models.CharField(max_length=20, choices=Mode.choices)
    prompt_version = models.CharField(max_length=40)
    prompt_hash = models.CharField(max_length=64)
    tasks_count = models.PositiveIntegerField()
    proposals_count = models.PositiveIntegerField()
    latency_ms = models.PositiveIntegerField()
    # The built-in rules are no model: no tokens, no cost.
    model = models.CharField(max_length=100, blank=True, help_text="Empty for the built-in rules.")
    tokens_in = models.PositiveIntegerField(default=0)
    tokens_cached = models.PositiveIntegerField(default=0)
    tokens_out = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0))
    retries = models.PositiveSmallIntegerField(default=0)
    outcome = models.CharField(max_length=20, choices=CallOutcome.choices)
    error_code = models.CharField(max_length=60, blank=True)
    fell_back_because = models.CharField(max_length=20, choices=FallBack.choices, blank=True)
    dropped_code = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["called_at"], name="brain_call_by_day")]

    def __str__(self) -> str:
        return f"{self.provider} {self.mode} {timezone.localtime(self.called_at):%Y-%m-%d %H:%M}"


class CapturedText(models.Model):
    """Prompt and answer of a call, kept for some days where the tenant wants it."""

    call = models.OneToOneField(BrainCall, on_delete=models.CASCADE, related_name="captured")
    prompt = models.TextField()
    answer = models.TextField(blank=True)
    captured_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["captured_at"], name="brain_captured_at")]

    def __str__(self) -> str:
        return f"{self.call_id}"
