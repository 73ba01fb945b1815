"""The ASGI entry point served by uvicorn."""

import os
from typing import cast

from asgiref.typing import ASGI3Application
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aisha.settings")

django_application = cast(ASGI3Application, get_asgi_application())

from django.conf import settings  # noqa: E402 - after the applications are ready
from django.urls import path  # noqa: E402

from apps.operations.body_limit import BodyLimit  # noqa: E402
from apps.operations.starting import LeastPowerAtStart  # noqa: E402
from apps.realtime.consumers import TelemetryConsumer  # noqa: E402
from apps.suggestions.live.sockets import SuggestionConsumer  # noqa: E402

# Each consumer asks by itself for its page's host and its person's session.
protocols = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": URLRouter(
            [
                path("live/suggestions/", SuggestionConsumer.as_asgi()),
                path("live/realtime/", TelemetryConsumer.as_asgi()),
            ]
        ),
    }
)

# A form around the file and the multipart boundaries take a little more than the file itself.
application = LeastPowerAtStart(
    BodyLimit(
        cast(ASGI3Application, protocols),
        max_bytes=settings.REQUEST_MAX_BYTES,
        upload_path="/import/",
        upload_max_bytes=settings.IMPORT_MAX_BYTES + 1024 * 1024,
    )
)
