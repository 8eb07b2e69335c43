"""``python -m service`` is ``remit``."""

from service.cli.main import main

if __name__ == "__main__":
    main()
