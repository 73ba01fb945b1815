"""Keeps WebRTC on this machine. Importing it loads aioice."""

from __future__ import annotations

import aioice.ice
from aiortc import RTCConfiguration

ADDRESS = "127.0.0.1"
# No server is asked how this machine is seen from outside.
CONFIGURATION = RTCConfiguration(iceServers=[])


def _loopback_only(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    return [ADDRESS]


# aioice offers every address but this one, and has no setting for it.
aioice.ice.get_host_addresses = _loopback_only
