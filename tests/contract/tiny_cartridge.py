"""A cartridge of our own for tests: it ends a frame every 500 half-cycles or so and copies what it is given into RAM.

Hand-assembled; addresses as in `subjects.microprocessor.atari2600.registers`.
"""

from __future__ import annotations

ORIGIN = 0xF000
LOOP = ORIGIN + 4

_PROGRAM = (
    (0xD8,),  # F000        CLD
    (0xA2, 0xFF),  #        LDX #$FF
    (0x9A,),  #             TXS
    (0xA9, 0x02),  # LOOP   LDA #2
    (0x85, 0x00),  #        STA VSYNC
    (0xA2, 0x14),  #        LDX #20
    (0xCA,),  # WAIT        DEX
    (0xD0, 0xFD),  #        BNE WAIT      ; 100 cycles: VSYNC must last a line to end a frame
    (0xA9, 0x00),  #        LDA #0
    (0x85, 0x00),  #        STA VSYNC     ; the frame ends
    (0xAD, 0x80, 0x02),  #  LDA SWCHA
    (0x85, 0x80),  #        STA $80
    (0xAD, 0x82, 0x02),  #  LDA SWCHB
    (0x85, 0x81),  #        STA $81
    (0xA5, 0x0C),  #        LDA INPT4
    (0x85, 0x82),  #        STA $82
    (0xE6, 0x83),  #        INC $83
    (0xA5, 0x83),  #        LDA $83
    (0x45, 0x84),  #        EOR $84       ; what RAM held at power-on
    (0x85, 0x85),  #        STA $85
    (0x20, 0x40, 0xF0),  #  JSR SUM
    (0x85, 0x02),  #        STA WSYNC
    (0x4C, LOOP & 0xFF, LOOP >> 8),  # JMP LOOP
)
_SUM = (
    (0x18,),  # F040        CLC
    (0x65, 0x86),  #        ADC $86
    (0x85, 0x86),  #        STA $86
    (0x60,),  #             RTS
)


def tiny_cartridge() -> bytes:
    """2048 bytes."""
    image = bytearray(2048)
    for start, lines in ((0, _PROGRAM), (0x40, _SUM)):
        code = bytes(byte for line in lines for byte in line)
        image[start : start + len(code)] = code
    image[0x7FC:0x7FE] = ORIGIN.to_bytes(2, "little")  # the reset vector
    return bytes(image)
