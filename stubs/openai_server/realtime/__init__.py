"""The realtime endpoints: client secrets, WebRTC calls with their events, and transcription.

WebRTC is loaded by the first call alone (``calls.py`` imports it when it is asked for one): a process that
is asked only for text never loads it.
"""
