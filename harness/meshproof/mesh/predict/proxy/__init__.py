"""What a proxy does to requests and answers by itself, whatever its rules say."""
