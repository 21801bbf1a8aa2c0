/* weights.bin, in memory as in a flash partition. */
    .section .rodata.mapped_weights, "a"
    .balign 16
    .global mapped_weights, mapped_weights_end
mapped_weights:
    .incbin "model/weights.bin"
mapped_weights_end:
