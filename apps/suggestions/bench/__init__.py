"""The measures of suggestions: pipeline, queue, discoveries, live pages, approvals, and learning."""

from apps.suggestions.bench.approving import measure_approval
from apps.suggestions.bench.bulk import measure_bulk
from apps.suggestions.bench.discoveries import measure_discoveries
from apps.suggestions.bench.learning import measure_learning
from apps.suggestions.bench.live import measure_live
from apps.suggestions.bench.model import measure_model
from apps.suggestions.bench.pipeline import measure_pipeline
from apps.suggestions.bench.queue import measure_queue
from apps.suggestions.bench.sockets import measure_sockets

__all__ = [
    "measure_approval",
    "measure_bulk",
    "measure_discoveries",
    "measure_learning",
    "measure_live",
    "measure_model",
    "measure_pipeline",
    "measure_queue",
    "measure_sockets",
]
