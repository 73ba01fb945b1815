"""The names of the locks of scans (``apps.tenants.locks``)."""

# A lock of each kind of scan, and one for what follows a scan.
SCAN = "scan"
ROUND = "scan-round"
FOLLOW = "scan-follow"
# Held by the one round that waits for another to end.
WAITING = "scan-round-waiting"
# Held while activities are read.
READING = "scan-reading"
