"""The wire contract, without I/O: bytes in, typed messages or named faults out. Both sides use it."""
