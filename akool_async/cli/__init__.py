"""The `akool` command."""
