"""What physically happens, and the wires it speaks: stands in for the hardware in tests and for newcomers."""
