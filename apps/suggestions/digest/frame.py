"""A mail as an answer of its own, for a frame: its inline styles are allowed, and nothing else is."""

from __future__ import annotations

from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.http import HttpResponse

# Links of the mail open beside the page, not in the frame.
_POLICY = {
    "default-src": [NONE],
    "script-src": [NONE],
    "style-src": [UNSAFE_INLINE],
    "img-src": [NONE],
    "connect-src": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
}


def answer_mail(html: str) -> HttpResponse:
    """Answer with a mail's HTML, under a policy of its own, for frames on our own pages."""
    answer = HttpResponse(html)
    # Read by csp's middleware on the way out.
    answer._csp_replace = _POLICY  # type: ignore[attr-defined]
    answer["X-Frame-Options"] = "SAMEORIGIN"
    return answer
