"""The auditor's side of the log: reads tiles, entries and a public key, and believes nothing.

It shares no code with the writer but the hashing of RFC 6962 (`service.core.merkle`), so
a fault of the one is no fault of the other. `verify.py` is where to begin.
"""
