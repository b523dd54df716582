"""What would be a library if anyone wanted it: clock, tasks, durations, backoff.

Knows nothing of inference, Envoy or Kubernetes.
"""
