"""A robot arm as physics: joints that follow with a lag, limits that stop it, a tool that feels what it touches."""
