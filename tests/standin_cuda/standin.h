// What the stand-ins of the other libraries ask of that of the CUDA runtime.
#include <stddef.h>
// A product of matrices whose result has so many bytes. Returns a CUDA error.
int standin_product(void *result, size_t bytes);
// Any other work. Returns a CUDA error.
int standin_launch(void);
