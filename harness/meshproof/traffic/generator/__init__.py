"""What runs inside a Locust process: users, connections, and the other end of the wire."""
