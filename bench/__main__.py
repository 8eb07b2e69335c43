"""Every benchmark, one after the other, or one with its own options.

python -m bench [NAME [OPTION …]]
"""

import sys
from types import ModuleType
from typing import Final

from bench import decide, diff, evaluate, hotrow, http, load, log, settings, tokens, verify

BENCHES: Final[dict[str, ModuleType]] = {
    module.__name__.rpartition(".")[2]: module
    for module in (evaluate, load, decide, diff, settings, tokens, hotrow, http, log, verify)
}


def main(arguments: list[str]) -> None:
    """Run what is asked for; each prints its own tables."""
    if arguments and arguments[0] not in BENCHES:
        raise SystemExit(f"there is no benchmark {arguments[0]!r}; there are: {', '.join(BENCHES)}")
    for name in arguments[:1] or BENCHES:
        bench = BENCHES[name]
        sys.argv = [f"bench.{name}", *arguments[1:]]
        print(f"\n## {(bench.__doc__ or '').strip().splitlines()[0]}\n", flush=True)
        bench.main()


if __name__ == "__main__":
    main(sys.argv[1:])
