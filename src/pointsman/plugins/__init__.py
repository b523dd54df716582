"""The built-in policies, one file each; the catalog finds them by walking this package."""
