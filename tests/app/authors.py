"""Who changes the shop's policy: ``access.csv`` where one suffices, and where it takes two."""

from tests.app.house import ACCESS

AUTHORS = f"""\
{ACCESS}p, author, policy, publish
g, paula, author, *
g, peter, author, *
"""
TWO = f"{AUTHORS}p, second, policy, confirm\ng, peter, second, *\ng, paula, second, *\n"
