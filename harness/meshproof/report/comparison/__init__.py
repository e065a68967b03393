"""What is another in one run than in another: features gained and lost, shares, and what they ran on."""
