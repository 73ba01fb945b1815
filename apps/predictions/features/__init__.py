"""What is known of records as of a moment: one definition for training, scoring and backtest."""

from apps.predictions.features.definitions import Factor, Feature, FeatureSet
from apps.predictions.features.outcomes import deal_window_days, window_days
from apps.predictions.features.reading import (
    Chunk,
    Engagement,
    Examples,
    contact_engagement,
    feature_set,
    population,
    read_examples,
    read_rows,
)

__all__ = [
    "Chunk",
    "Engagement",
    "Examples",
    "Factor",
    "Feature",
    "FeatureSet",
    "contact_engagement",
    "deal_window_days",
    "feature_set",
    "population",
    "read_examples",
    "read_rows",
    "window_days",
]
