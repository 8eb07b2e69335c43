"""Real cases, driven through the doors: what was published is what is decided."""
