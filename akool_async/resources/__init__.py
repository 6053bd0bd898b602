"""The REST API by what it is about: one class per resource, reached through `AkoolClient`."""
