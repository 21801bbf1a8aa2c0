/* RV32 on QEMU's `virt`, machine mode from the first instruction. */
    .section .reset, "ax"
    .global reset
reset:
    la t0, stopped
    csrw mtvec, t0
    la sp, __stack_top
    call twin_start

/* Begins the stack anew: the fault may have been its overflow. */
    .section .text.stopped, "ax"
    .balign 4
stopped:
    mv t0, sp
    la sp, __stack_top
    addi sp, sp, -16
    csrr t1, mcause
    sw t1, 0(sp)
    csrr t1, mepc
    sw t1, 4(sp)
    csrr t1, mtval
    sw t1, 8(sp)
    sw t0, 12(sp)
    mv a0, sp
    call twin_fault
