"""The shared deployment core. It knows no terminal, no widget and no cloud."""
