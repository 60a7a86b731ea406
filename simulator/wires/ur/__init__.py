"""A simulated UR controller: its ports, the programs it runs, and what it tells about the arm it moves."""
