/* The second stage of an RP2040's boot (datasheet, 2.8.1): the first 256 bytes of the flash. The boot ROM copies them into
 * RAM, compares their checksum, which the build inserts, and calls them; they set up the fast reading of the flash, in
 * which the program then runs in place, and jump into it.
 *
 * The flash is a W25Q16JV or one with the same commands: Fast Read Quad I/O (EBh), where mode bits of Axh make it expect
 * no command on the next read, only an address. Four wires need the bit QE of its second status register. As delivered by
 * the maker it may be 0; then it is set until power-off (50h, 31h), which wears nothing out.
 *
 * Nothing but registers, the stack and code of these bytes is used: this runs at another address than it is linked for. */
#include "board.h"
#include "cortex.h"

#define SSI(offset) hidden(0x18000000u)[(offset) / 4u]
#define SSI_CONTROL SSI(0x00u)
#define SSI_FRAMES SSI(0x04u)
#define SSI_ENABLE SSI(0x08u)
#define SSI_DIVIDER SSI(0x14u)
#define SSI_STATUS SSI(0x28u)
#define SSI_DATA SSI(0x60u)
#define SSI_SAMPLE_DELAY SSI(0xF0u)
#define SSI_FORMAT SSI(0xF4u)
#define PADS(offset) hidden(0x40020000u)[(offset) / 4u]

#define ONE_WIRE_BYTES (7u << 16)                       /* 8 bits a frame, sent and received at once */
#define FOUR_WIRES_WORDS (2u << 21 | 31u << 16 | 3u << 8) /* 32 bits a frame: command and address, then data */
#define ADDRESS_AND_WAIT (8u << 2 | 4u << 11)           /* 32 bits of address and mode, 4 clocks of wait */
#define WITH_COMMAND (2u << 8 | 1u)                     /* 8 bits on one wire, then the address on four */
#define WITHOUT_COMMAND (0xA0u << 24 | 2u)              /* the mode bits behind each address, all on four wires */
#define INLINED static inline __attribute__((always_inline))
#define HELPER static __attribute__((section(".boot_helpers"), noinline)) /* behind the entry, which comes first */

void reset_handler(void);

/* Registers from an address on. Hidden from the compiler, which would use 4 bytes for the address of each register. */
INLINED volatile uint32_t *hidden(uint32_t address)
{
    __asm("" : "+r"(address));
    return (volatile uint32_t *)(uintptr_t)address;
}

HELPER void wait_until_done(void)
{
    while ((SSI_STATUS & 5u) != 4u) { /* TFE and not BUSY */
    }
}

/* Send a command and a byte on one wire; returns the byte received with the latter. */
HELPER uint32_t exchange(uint32_t command, uint32_t byte)
{
    SSI_DATA = command;
    SSI_DATA = byte;
    wait_until_done();
    (void)SSI_DATA;
    return SSI_DATA;
}

INLINED void allow_four_wires(void)
{
    SSI_CONTROL = ONE_WIRE_BYTES;
    SSI_ENABLE = 1;
    const uint32_t status = exchange(0x35u, 0);
    if (!(status & 2u)) {
        SSI_DATA = 0x50u;
        wait_until_done();
        (void)SSI_DATA;
        exchange(0x31u, status | 2u);
    }
    SSI_ENABLE = 0;
}

/* One read with the command, after which the flash expects none. */
INLINED void enter_continuous_reading(void)
{
    SSI_CONTROL = FOUR_WIRES_WORDS;
    SSI_FRAMES = 0;
    SSI_FORMAT = ADDRESS_AND_WAIT | WITH_COMMAND;
    SSI_ENABLE = 1;
    SSI_DATA = 0xEBu;
    SSI_DATA = 0xA0u; /* address 0 and the mode bits */
    wait_until_done();
    SSI_ENABLE = 0;
    SSI_FORMAT = ADDRESS_AND_WAIT | WITHOUT_COMMAND;
    SSI_ENABLE = 1;
}

__attribute__((section(".boot"), noreturn, used)) void boot_second_stage(void)
{
    PADS(0x04u) = 2u << 4 | 1u; /* clock: 8 mA, fast edges */
    for (uint32_t data = 0x08u; data <= 0x14u; data += 4u) {
        PADS(data) &= ~2u; /* no Schmitt trigger, whose delay is too long for this clock */
    }
    SSI_ENABLE = 0;
    SSI_DIVIDER = 2; /* of the core's 125 MHz; the flash allows 133 */
    SSI_SAMPLE_DELAY = 1;
    allow_four_wires();
    enter_continuous_reading();
    /* By its address: a call would be relative to where this runs. */
    __asm volatile("bx %0" ::"r"(reset_handler));
    __builtin_unreachable();
}
