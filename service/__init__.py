"""Remit: the frontline empowerment policy and approval service.

A colleague or an AI agent proposes a resolution for a customer; Remit decides it under
the least authority that suffices, holds the money, writes the decision into a log that
an auditor can verify alone, and hands upwards only what lies outside policy.
"""

__version__ = "0.1.0"
