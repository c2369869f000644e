"""Diagnosis: reads what happened and names the cause."""
