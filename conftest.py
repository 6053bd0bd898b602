"""Guards for all tests, those of the plugins included; see `tests/support/guards`."""

pytest_plugins = [
    "guards.clock",
    "guards.collector",
    "guards.environment",
    "guards.finding",
    "guards.leaks",
    "guards.loopback",
    "guards.properties",
    "guards.secrets",
    "inner_pytest",
    "programs",
    "pytester",
]
