// A stand-in for cuDNN, as far as sessions need it to be made: convolutions through its graphs fail, as they do on a
// machine with a broken cuDNN. Its other functions are made by build.sh and do nothing.
#include <stddef.h>
size_t cudnnGetVersion(void) { return 90100; }
const char *cudnnGetErrorString(int status) { return status ? "CUDNN_STATUS_NOT_SUPPORTED" : "CUDNN_STATUS_SUCCESS"; }
void cudnnGetLastErrorString(char *words, size_t room) { if (room) words[0] = 0; }
int cudnnCreate(void **handle) { *handle = (void *)0x5000; return 0; }
int cudnnBackendCreateDescriptor(int type, void **descriptor) { (void)type; *descriptor = (void *)0x5000; return 3000; }
