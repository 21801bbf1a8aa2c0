/* CIMv3's registers, as far as src/hal_registers.cc would use them. NOTHING HERE IS KNOWN: no manual of the accelerator
 * was available. Fill in every value marked kUnknown from the vendor's manual; a register that does not exist, or
 * another way of starting a mode, means changing src/hal_registers.cc as well. UNTESTED ON SILICON. */
#ifndef PICO_GPT_CIMV3_REGISTERS_H
#define PICO_GPT_CIMV3_REGISTERS_H

#include <stdint.h>

namespace pico_gpt::registers {

constexpr uint32_t kUnknown = 0xFFFFFFFFu;

/* Address of the register block, and offsets in bytes of registers of 32 bits. */
constexpr uint32_t kBase = kUnknown;
constexpr uint32_t kMode = kUnknown;      // which mode runs: one of the codes below
constexpr uint32_t kUnit = kUnknown;      // block whose matrices, scales and gains are used
constexpr uint32_t kPosition = kUnknown;  // PIPE: position of this token in the cache
constexpr uint32_t kKeys = kUnknown;      // PIPE: address of the cache's keys
constexpr uint32_t kValues = kUnknown;    // PIPE: address of the cache's values
constexpr uint32_t kInput = kUnknown;     // address of the input row
constexpr uint32_t kOutput = kUnknown;    // address of the output row
constexpr uint32_t kStart = kUnknown;     // written to start the mode
constexpr uint32_t kStatus = kUnknown;    // read until kDone is set

/* Codes of the modes, and bits. */
constexpr uint32_t kPipe = kUnknown;
constexpr uint32_t kParl = kUnknown;
constexpr uint32_t kLn = kUnknown;
constexpr uint32_t kGo = kUnknown;
constexpr uint32_t kDone = kUnknown;

constexpr uint32_t kAll[] = {kBase,  kMode,   kUnit,  kPosition, kKeys, kValues, kInput, kOutput,
                             kStart, kStatus, kPipe, kParl,     kLn,   kGo,     kDone};

constexpr bool filled_in()
{
    for (const uint32_t value : kAll) {
        if (value == kUnknown) {
            return false;
        }
    }
    return true;
}

}  // namespace pico_gpt::registers

#endif
