"""The Textual screens, importable as dbxwizard.screens."""
