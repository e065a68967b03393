"""How loads are paced: steady, held at a barrier, or step by step through ejections."""
