"""The pages of the wizard, one module each, loaded when first opened."""
