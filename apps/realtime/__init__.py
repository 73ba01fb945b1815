"""Realtime voice: tokens, sessions, the bridge to our tools, telemetry, and the panel that shows it."""
