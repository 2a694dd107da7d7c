"""Result → HTML, nothing else."""
