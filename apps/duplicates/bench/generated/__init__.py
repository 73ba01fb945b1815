"""Tables of people and companies who stand there twice, drawn from a seed, with the truth of who is who.

Nothing here reads what the matcher knows: neither its word lists nor its rules.
"""
