"""The pure core: what a policy means, what a decision is, what an entry's bytes are.

Imports the standard library only, reads no clock, draws no randomness, does no I/O:
it is handed the instant, the balances and compiled conditions, and returns values.
"""
