"""`python -m linod` is `linod`."""

from linod.cli import main

if __name__ == "__main__":
    main(prog_name="linod")
