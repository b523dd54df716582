"""Edge: where endpoints come from without Kubernetes: a file."""
