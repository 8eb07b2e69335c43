"""The command line: each module is one noun; it parses, calls one use case and renders."""
