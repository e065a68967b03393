"""What a report shows of a verdict beside its numbers: the rules in question, and requests as they were answered."""
