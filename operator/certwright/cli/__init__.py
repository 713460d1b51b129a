"""The command line: one module per verb, arguments in, calls out, no logic."""
