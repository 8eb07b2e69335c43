"""Makes remit_log.json: a small log whose every byte is fixed for good.

Run ``python -m tests.vectors.remit_log`` only to add a format, never to mend a test: bytes
that were served once are verified for ever.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.core.trees import ORIGIN, SIGNER, checkpoint, files, receipt

PATH = Path(__file__).with_suffix(".json")
SIZE = 300


def remit_log() -> dict[str, Any]:
    """The log of 300 entries: what it serves and one receipt."""
    return {
        "made_by": "python -m tests.vectors.remit_log",
        "origin": ORIGIN,
        "key": SIGNER.verifier_key.encoded(),
        "size": SIZE,
        "checkpoint": checkpoint(SIZE).decode(),
        "receipt": receipt(7, SIZE).encoded().decode(),
        "sha256": {
            path: hashlib.sha256(data).hexdigest() for path, data in sorted(files(SIZE).items())
        },
    }


if __name__ == "__main__":
    text = json.dumps(remit_log(), indent=2, ensure_ascii=False)
    PATH.write_text(text + "\n", encoding="utf-8")
