"""The WebSocket gateway: it registers agents, keeps them connected, and records what went wrong."""
