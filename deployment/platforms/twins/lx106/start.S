/* Xtensa lx106 of QEMU's `sim`: it starts at the reset vector, without windows, and finds its exceptions at VECBASE. */
    .section .reset, "ax"
    .global reset
    .align 4
reset:
    j 1f
    .align 4
    .literal_position
1:
    movi a2, vectors
    wsr a2, vecbase
    movi a2, 0x0F /* no interrupts; exceptions go to the kernel's vector, not to the double one */
    wsr a2, ps
    rsync
    movi a1, __stack_top
    movi a0, twin_start
    callx0 a0

/* Offsets from VECBASE: debug 0x10, not maskable 0x20, kernel 0x30, user 0x50, double 0x70. */
    .section .vectors, "ax"
    .align 128
    .global vectors
vectors:
    .org vectors + 0x10
    j stopped
    .org vectors + 0x20
    j stopped
    .org vectors + 0x30
    j stopped
    .org vectors + 0x50
    j stopped
    .org vectors + 0x70
    j stopped

/* Begins the stack anew: the fault may have been its overflow. */
    .section .text.stopped, "ax"
    .align 4
    .literal_position
stopped:
    mov a3, a1
    movi a1, __stack_top
    addi a1, a1, -16
    rsr a2, exccause
    s32i a2, a1, 0
    rsr a2, epc1
    s32i a2, a1, 4
    rsr a2, excvaddr
    s32i a2, a1, 8
    s32i a3, a1, 12
    mov a2, a1
    movi a0, twin_fault
    callx0 a0
