"""What surrounds the two services: an embedded broker, simulated vendors, topics, looking."""
