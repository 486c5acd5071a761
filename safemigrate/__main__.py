"""`python -m safemigrate`."""

from safemigrate.cli import main

if __name__ == "__main__":
    main(prog_name="safemigrate")
