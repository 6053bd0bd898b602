"""The simulated avatar's face, voice and ears. Needs numpy and PyAV, imported on use."""
