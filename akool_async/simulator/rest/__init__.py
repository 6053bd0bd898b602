"""The REST calls of the simulator, versions 3 and 4: routes, checks of a request, answers."""
