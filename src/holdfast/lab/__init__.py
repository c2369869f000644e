"""The laboratory: faults of the catalogue injected for real, and the verdicts read back."""
