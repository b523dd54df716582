"""Pure: builds Envoy configuration from typed dataclasses."""
