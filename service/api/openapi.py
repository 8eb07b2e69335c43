"""Prints the OpenAPI document: ``python -m service.api.openapi > openapi/openapi.json``."""

import sys

from service.api.app import routed
from service.api.document import described


def main() -> None:
    """The document on standard output, to the byte as it is served."""
    sys.stdout.buffer.write(described(routed()))


if __name__ == "__main__":
    main()
