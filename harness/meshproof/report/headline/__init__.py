"""What a run comes to, in one word and one sentence, and what of it is not proved."""
