"""Conversations with AiSHA, typed and spoken: it answers from what the person may see, and proposes."""
