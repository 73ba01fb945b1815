"""The measures of suggestions: the review queue, and a bulk approval."""

from apps.suggestions.bench.bulk import measure_bulk
from apps.suggestions.bench.queue import measure_queue

__all__ = ["measure_bulk", "measure_queue"]
