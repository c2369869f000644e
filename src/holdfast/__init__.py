"""Holdfast: the control plane for fleets of host agents that tells you why one is not connected."""
