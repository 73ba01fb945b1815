"""The assistant's pages: conversations, messages that are answered while they are read, speech to text."""
