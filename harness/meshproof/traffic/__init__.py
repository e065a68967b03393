"""Traffic: Locust as a child process under a credit window, and the client that its users drive."""
