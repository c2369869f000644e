"""The faults, by the groups of the catalogue: each module has a table `FAULTS`."""
