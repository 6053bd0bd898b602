"""A local AKOOL."""
