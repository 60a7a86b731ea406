"""Universal Robots arms (e-Series and CB3) over RTDE, dashboard and script port: NOTES.md gives every source."""
