"""What the wizard's pages show, and what setup makes of their answers."""
