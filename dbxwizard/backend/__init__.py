"""What the terminal program asks of the core: textual-free, in a process of its own."""
