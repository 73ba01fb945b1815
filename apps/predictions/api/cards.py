"""The account of a model, as the API tells it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.predictions.enums import Rung
from apps.tenants.api import UtcDateTimeField


class MeasuresSerializer(serializers.Serializer[Any]):
    """How good the probabilities were on records that the model had not seen."""

    examples = serializers.IntegerField()
    base_rate_0_1 = serializers.FloatField()
    auc = serializers.FloatField(allow_null=True)
    average_precision = serializers.FloatField(allow_null=True)
    brier = serializers.FloatField()
    log_loss = serializers.FloatField()
    base_log_loss = serializers.FloatField(help_text="That of the base rate.")
    calibration_error = serializers.FloatField()


class RungStandingSerializer(serializers.Serializer[Any]):
    """One rung of the ladder, on the same unseen records."""

    rung = serializers.ChoiceField(Rung.choices)
    log_loss = serializers.FloatField()
    is_champion = serializers.BooleanField()


class CalibrationBinSerializer(serializers.Serializer[Any]):
    """Records of like probability: what was foretold and what came, with a 95 % interval."""

    predicted_0_1 = serializers.FloatField()
    observed_0_1 = serializers.FloatField()
    low_0_1 = serializers.FloatField()
    high_0_1 = serializers.FloatField()
    count = serializers.IntegerField()


class LiftBandSerializer(serializers.Serializer[Any]):
    """A tenth of the records, the highest scores first."""

    rank_from = serializers.IntegerField()
    rank_to = serializers.IntegerField()
    rate_0_1 = serializers.FloatField()
    lift = serializers.FloatField(help_text="Times the average.")
    count = serializers.IntegerField()


class RefusedColumnSerializer(serializers.Serializer[Any]):
    """A column from which nothing may be learned, and why."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    reason = serializers.CharField()


class ModelCardSerializer(serializers.Serializer[Any]):
    """What a model learned from, and how right it was."""

    data_from = serializers.DateField(allow_null=True)
    data_until = serializers.DateField(allow_null=True)
    examples = serializers.IntegerField(
        help_text="How often records were looked at: a record may be an example at several moments."
    )
    window_days = serializers.IntegerField()
    with_history_0_1 = serializers.FloatField(help_text="The share with a history of changes.")
    next_rung_needs = serializers.CharField(allow_blank=True)
    verdict = serializers.CharField(allow_blank=True)
    standings = RungStandingSerializer(many=True)
    measures = MeasuresSerializer(allow_null=True)
    calibration = CalibrationBinSerializer(many=True)
    lift = LiftBandSerializer(many=True)
    refused = RefusedColumnSerializer(many=True)
    columns = serializers.DictField(
        child=serializers.CharField(), help_text="What it looks at, by name, in words."
    )


class ColumnShiftSerializer(serializers.Serializer[Any]):
    """How far a column has moved since the training."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    psi = serializers.FloatField(help_text="The population stability index.")


class DriftSerializer(serializers.Serializer[Any]):
    """How a model fares on outcomes that have become known since it was trained."""

    measured_at = UtcDateTimeField()
    matured = serializers.IntegerField()
    base_rate_0_1 = serializers.FloatField(allow_null=True)
    log_loss = serializers.FloatField(allow_null=True)
    base_log_loss = serializers.FloatField(allow_null=True)
    shifts = ColumnShiftSerializer(many=True)
    verdict = serializers.CharField()
