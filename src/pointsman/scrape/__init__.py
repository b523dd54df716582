"""Edge: reads model servers' metrics into the endpoint table."""
