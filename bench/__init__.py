"""What is measured, against what. Every figure is a ratio within one run: machines differ."""
