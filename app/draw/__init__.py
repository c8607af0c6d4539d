"""Drawing: numba kernels that paint ring images of device pixels, and the little state around them."""
