"""Holdfast beside a minimal gateway of the same protocol, in turn, on this machine: `python -m bench`."""
