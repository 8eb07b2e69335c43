"""The HTTP door: parses, calls one use case, renders. Knows no rule."""
