"""`python -m pointsman` is the `pointsman` command."""

from pointsman.apps.cli import main

if __name__ == "__main__":
    main()
