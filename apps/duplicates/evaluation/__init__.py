"""What the matcher is worth on a table of somebody's own."""
