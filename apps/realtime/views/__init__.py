"""Pages and fragments of realtime voice."""
