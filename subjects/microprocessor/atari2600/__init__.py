"""The Atari 2600 around the processor: TIA, RIOT, cartridge, console. Start reading at `board`."""
