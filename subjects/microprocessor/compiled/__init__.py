"""The compiled engine: a netlist solved symbolically, emitted as machine code, run without an event list."""
