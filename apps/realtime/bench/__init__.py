"""The measures of realtime voice: what our part of a token and of a call of a tool costs."""

from apps.realtime.bench.answering import measure_bridge, measure_token

__all__ = ["measure_bridge", "measure_token"]
