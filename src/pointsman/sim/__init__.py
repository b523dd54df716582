"""A model-server simulator: `engine` is a model in virtual time, `server` its HTTP face."""
