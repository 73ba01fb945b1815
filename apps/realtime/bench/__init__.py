"""The measures of realtime voice: telemetry on its way in, and the panel that shows it."""

from apps.realtime.bench.ingest import measure_ingest
from apps.realtime.bench.many import measure_sockets
from apps.realtime.bench.panel import measure_panel

__all__ = ["measure_ingest", "measure_panel", "measure_sockets"]
