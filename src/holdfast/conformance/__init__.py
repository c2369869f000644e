"""`holdfast check-agent`: a throw-away gateway that watches an agent and ticks the guide's testing checklist."""
