"""The same decision as a good developer would write it in a day: FastAPI, SQLModel, Casbin.

One request, one transaction: who asks (a key), may they propose here (Casbin), which rule
allows it, is there room in the budgets (``SELECT … FOR UPDATE``), charge, write the
decision and a line of audit, commit. No shortcuts, and no design beyond that: what stands
beside it in `bench.http` is what the design of the service buys, and what it costs.
"""
