import sys

from rustorch.bench.cli import main

sys.exit(main())
