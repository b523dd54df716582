"""Edge: /metrics, health and /debug for people and Prometheus."""
