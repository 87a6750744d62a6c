"""What people read: tables, files, plots. Computes nothing that a RunResult does not hold."""
