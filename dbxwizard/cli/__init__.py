"""The headless face: thin commands, and one renderer per form of output."""
