"""Practice: scenarios as data, a judge that reads the journal, and a thin runner between them and a simulated room."""
