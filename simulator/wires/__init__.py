"""Wire protocols of simulated devices: bytes to physics, physics to bytes."""
