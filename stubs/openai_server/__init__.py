"""A stand-in for OpenAI's API: real HTTP, no network, no key that costs anything.

``python -m stubs.openai_server --port N`` answers ``/v1/responses`` as a model would that knows nothing but
the question it is asked: it writes a proposal from the numbered facts, held against the schema that came
with them. ``realtime/`` takes calls over WebRTC, whose callers say what a script has. The model's name says
how it behaves (``behaviours.py``): ``stand-in`` is good, ``stand-in:NAME`` fails or lies in the way that
NAME says. For development and tests; production never starts it.
"""
