"""How units are mapped over workers; nothing else."""
