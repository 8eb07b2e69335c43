"""Every benchmark, one after the other."""

from bench import decide, evaluate, http, load, settings

for bench in (evaluate, load, decide, settings, http):
    print(f"\n## {(bench.__doc__ or '').strip().splitlines()[0]}\n", flush=True)
    bench.main()
