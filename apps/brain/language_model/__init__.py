"""The provider ``openai``: any model behind an address that speaks OpenAI's Responses API.

``client`` and what it loads are imported where a model is asked, never by the web process at its start.
"""
