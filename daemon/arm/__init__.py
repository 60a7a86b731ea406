"""The coil-hold loop: a robot arm keeps the coil on its target while the head moves."""
