"""A second opinion: decisions and budgets, reckoned as plainly as they can be.

Nothing here imports the service. Where this reading and the service's differ, one of them
is wrong.
"""
