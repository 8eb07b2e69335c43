"""Text to core: policy files, suites and access lists, read, checked and compiled.

Bytes come in, a `service.core.rulebook.Rulebook` or every problem of the set comes out.
"""
