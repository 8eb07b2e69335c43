"""Use cases: the story of what happens, over ports that adapters fill."""
