"""The measures of realtime voice: what our part of an answer costs, telemetry, and its panel."""

from apps.realtime.bench.answering import measure_bridge, measure_token
from apps.realtime.bench.ingest import measure_ingest
from apps.realtime.bench.many import measure_sockets
from apps.realtime.bench.panel import measure_panel

__all__ = ["measure_bridge", "measure_ingest", "measure_panel", "measure_sockets", "measure_token"]
