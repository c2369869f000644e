"""The Actions API: what people and programs read and change, over HTTP. `holdfast.api.app` makes it."""
