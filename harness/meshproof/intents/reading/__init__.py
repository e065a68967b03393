"""Files of intents to frozen objects, each mistake with its place."""
