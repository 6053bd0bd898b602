"""Guards for all tests, those of the plugins included; see `tests/support/guards`."""

pytest_plugins = [
    "guards.environment",
    "guards.leaks",
    "guards.loopback",
    "guards.secrets",
    "pytester",
]
