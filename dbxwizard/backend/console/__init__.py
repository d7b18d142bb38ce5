"""What the console's modes show and do."""
