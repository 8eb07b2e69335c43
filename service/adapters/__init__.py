"""What the ports are filled with: one module for each, chosen in one place by who starts it."""
