"""Stimulators as physical things: they charge, heat, fire and lapse in time, and know no bytes."""
