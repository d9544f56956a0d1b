"""What a CPU can do: its fastest number format, exact 8-bit products, a kernel for attention, threads."""
