"""Nobody loads WebRTC who does not call."""

from __future__ import annotations

import subprocess
import sys

from apps.operations.processes import PROJECT_ROOT


def test_a_process_that_is_asked_for_no_call_loads_no_webrtc() -> None:
    script = (
        "import sys\n"
        "from stubs.openai_server.app import StandIn\n"
        "StandIn().application()\n"
        "import stubs.openai_server.__main__, stubs.openai_server.testing\n"
        "print([name for name in ('aiortc', 'aioice', 'av') if name in sys.modules])\n"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout == "[]\n"
