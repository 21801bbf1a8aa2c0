"""From a lowered program to C: kernels, memory plan, verification, emission."""
