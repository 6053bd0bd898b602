"""The rules of the REST API without any I/O: requests, envelopes, retries (PROTOCOL.md §1)."""
