"""What the engine does for a tenant: it trains, scores, watches for drift and forecasts."""
