"""Pure rules of REST: requests, envelopes, retries."""
