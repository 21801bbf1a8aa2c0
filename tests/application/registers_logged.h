/* In the place of cortex.h: registers of a chip as memory of this machine, with a list of all accesses. */
#ifndef REGISTERS_LOGGED_H
#define REGISTERS_LOGGED_H

#include <stdint.h>

enum { LOG_ENTRIES = 64 };

struct access {
    uint32_t address;
    uint32_t value; /* after a write; as it was after a read */
};

extern struct access register_log[LOG_ENTRIES];
extern uint32_t register_accesses;

/* The next entry, with the value that the register had: all bits where it was not accessed before. */
static inline volatile uint32_t *logged_register(uint32_t address)
{
    struct access *entry = &register_log[register_accesses % LOG_ENTRIES];
    entry->address = address;
    entry->value = UINT32_MAX;
    for (uint32_t index = 0; index < register_accesses; ++index) {
        if (register_log[index].address == address) {
            entry->value = register_log[index].value;
        }
    }
    ++register_accesses;
    return &entry->value;
}

#define REGISTER(address) (*logged_register(address))

#endif
