"""What the editor of the parameter files is made of."""
