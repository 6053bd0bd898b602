"""One conversation over one transport."""
