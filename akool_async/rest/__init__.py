"""The rules of the REST API without any I/O: requests, envelopes, retries (docs/protocol.md §1)."""
