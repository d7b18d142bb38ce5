"""The workflows in a project's folder."""
