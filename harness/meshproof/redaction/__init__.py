"""What is kept out of reports, logs and messages: credentials, and names that are not to be shown."""
