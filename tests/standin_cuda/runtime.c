// A stand-in for the CUDA runtime (libcudart): device memory is memory of the host, kernels do nothing, and what CUDA
// forbids while a stream is captured fails as CUDA lets it fail. README.md says what it is for and what it counts.
#define _GNU_SOURCE
#include "standin.h"
#include <dlfcn.h>
#include <driver_types.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef cudaError_t E;

// ---- settings and state ----

static struct {
    const char *log; // STANDIN_LOG: file that messages and the last line go to
    int capability;  // STANDIN_SM: 75, 80, 90, ...
    size_t memory;   // STANDIN_MEMORY_MB
    int devices;     // STANDIN_DEVICES
    long fail_at;    // STANDIN_FAIL=N:CODE: from the Nth launch on, every call fails with CODE
    int fail_with;
    long replay_us;  // STANDIN_REPLAY_US: time that the replay of a graph takes, so that blocks pile up as on a device
    long capture_us; // STANDIN_CAPTURE_US: time that a capture takes at least, so that other threads meet it
} set = {.capability = 90, .memory = 80ul << 30, .devices = 1};

static struct {
    long launches, captures, replays, copies, syncs, allocations, forbidden, corrupt;
    size_t used, peak, uploaded, downloaded;
    long captured; // launches that a capture records
} count;

// Decode steps: from one replay to the next one with no other launch in between. STANDIN_COUNTS=FILE has their sums.
static struct { long steps, copies, syncs; size_t uploaded, downloaded; double us; } between;
static struct { long launches, copies, syncs; size_t uploaded, downloaded; double us; } at_replay;
// Launches outside of graphs: the time from one to the next of the same thread, unless it did something else for long.
static struct { long count; double us; } eager;
static __thread double last_launch;
#define LONG_US 500

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *out;
static int failure; // the lasting error, once there is one

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void say(const char *format, ...) {
    va_list list;
    va_start(list, format);
    vfprintf(out, format, list);
    fputc('\n', out);
    fflush(out);
    va_end(list);
}

static long number(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

__attribute__((constructor)) static void begin(void) {
    set.log = getenv("STANDIN_LOG");
    out = set.log ? fopen(set.log, "a") : stderr;
    if (!out) out = stderr;
    set.capability = (int)number("STANDIN_SM", set.capability);
    set.memory = (size_t)number("STANDIN_MEMORY_MB", (long)(set.memory >> 20)) << 20;
    set.devices = (int)number("STANDIN_DEVICES", set.devices);
    set.replay_us = number("STANDIN_REPLAY_US", 0);
    set.capture_us = number("STANDIN_CAPTURE_US", 0);
    const char *fail = getenv("STANDIN_FAIL");
    if (fail) sscanf(fail, "%ld:%d", &set.fail_at, &set.fail_with);
}

__attribute__((destructor)) static void end(void) {
    say("END launches=%ld captures=%ld replays=%ld copies=%ld uploaded_mb=%zu syncs=%ld allocations=%ld peak_mb=%zu "
        "left_mb=%zu forbidden=%ld corrupt=%ld",
        count.launches, count.captures, count.replays, count.copies, count.uploaded >> 20, count.syncs,
        count.allocations, count.peak >> 20, count.used >> 20, count.forbidden, count.corrupt);
    const char *name = getenv("STANDIN_COUNTS");
    FILE *file = name ? fopen(name, "w") : NULL;
    if (!file) return;
    double steps = between.steps ? (double)between.steps : 1, graphs_made = count.captures ? (double)count.captures : 1;
    fprintf(file,
        "{\"launches\": %ld, \"captures\": %ld, \"replays\": %ld, \"steps\": %ld, \"launches_in_step\": %.2f, "
        "\"copies_per_step\": %.2f, \"syncs_per_step\": %.2f, \"bytes_up_per_step\": %.0f, \"bytes_down_per_step\": %.0f, "
        "\"host_us_per_step\": %.2f, \"launches_outside\": %ld, \"host_us_per_launch\": %.2f}\n",
        count.launches, count.captures, count.replays, between.steps, (double)count.captured / graphs_made,
        (double)between.copies / steps, (double)between.syncs / steps, (double)between.uploaded / steps,
        (double)between.downloaded / steps, between.us / steps, count.launches - count.replays - count.captured,
        eager.us / (eager.count ? (double)eager.count : 1));
    fclose(file);
}

// Who called: 1 if it was the program itself, 0 if it was ONNX Runtime.
static int by_program(void *caller) {
    Dl_info info;
    return dladdr(caller, &info) && info.dli_fname && !strstr(info.dli_fname, "libonnxruntime");
}
#define BY_PROGRAM by_program(__builtin_return_address(0))

// ---- memory ----

struct block { char *start; size_t bytes; int is_device, is_programs; struct block *next; };
static struct block *blocks;

static struct block *block_of(const void *at) {
    for (struct block *b = blocks; b; b = b->next)
        if ((char *)at >= b->start && (char *)at < b->start + b->bytes) return b;
    return NULL;
}

// ---- captures, and what their replays write ----

struct range { char *start; size_t bytes; char *was; int graph; struct range *next; };
static struct range *kept;         // contents that no replay may change
static struct range *writes[4096]; // what each graph's products write, by graph
static int graphs;
static struct { int is_on, mode, is_broken; pthread_t thread; cudaStream_t stream; } capture;

// A call that CUDA forbids during a capture: by any thread in global mode (0), else by the capturing thread.
static int is_forbidden(const char *call) {
    if (!capture.is_on || capture.mode == cudaStreamCaptureModeRelaxed) return 0;
    int own = pthread_equal(capture.thread, pthread_self());
    if (capture.mode != cudaStreamCaptureModeGlobal && !own) return 0;
    count.forbidden++;
    capture.is_broken = 1;
    say("FORBIDDEN %s during a capture, by %s thread", call, own ? "its" : "another");
    return 1;
}

// Keeps the contents of a small buffer in mind. graph: the graph that reads it; 0 for the one that is captured next;
// -1 for all.
static void keep(char *start, size_t bytes, int graph) {
    struct range *r = kept;
    while (r && !(r->start == start && (r->graph == graph || r->graph > 0))) r = r->next;
    if (!r) {
        r = calloc(1, sizeof *r);
        *r = (struct range){start, 0, NULL, graph, kept};
        kept = r;
    }
    if (bytes > r->bytes) r->was = realloc(r->was, bytes);
    if (bytes > r->bytes) r->bytes = bytes;
    memcpy(r->was, start, bytes);
}

static void forget(struct block *b) {
    for (struct range **p = &kept; *p;) {
        struct range *r = *p;
        if (r->start < b->start || r->start >= b->start + b->bytes) { p = &r->next; continue; }
        *p = r->next;
        free(r->was);
        free(r);
    }
}

// Work is enqueued on a stream: counted, and where the lasting error strikes.
static E launch(void) {
    double now = now_us(), took = now - last_launch;
    pthread_mutex_lock(&lock);
    count.launches++;
    if (capture.is_on && pthread_equal(capture.thread, pthread_self())) count.captured++;
    else if (last_launch && took < LONG_US) eager.count++, eager.us += took;
    last_launch = now;
    if (set.fail_at && count.launches >= set.fail_at && !failure) {
        failure = set.fail_with;
        say("FAILS with %d from launch %ld on", failure, count.launches);
    }
    pthread_mutex_unlock(&lock);
    return failure;
}

// A product of matrices: the results of one that is captured are written again by every replay.
int standin_product(void *result, size_t bytes) {
    E e = launch();
    pthread_mutex_lock(&lock);
    if (capture.is_on && pthread_equal(capture.thread, pthread_self()) && graphs + 1 < 4096 && bytes <= 8u << 20) {
        struct block *b = block_of(result);
        if (b && b->is_programs) {
            count.corrupt++;
            say("CORRUPT: a captured product writes into the program's own memory");
        }
        struct range *r = malloc(sizeof *r);
        *r = (struct range){result, bytes, NULL, 0, writes[graphs + 1]};
        writes[graphs + 1] = r;
    }
    pthread_mutex_unlock(&lock);
    return e;
}

int standin_launch(void) { return launch(); }

#define ENTER(call) \
    if (failure) return failure; \
    pthread_mutex_lock(&lock); \
    if (is_forbidden(call)) { pthread_mutex_unlock(&lock); return cudaErrorStreamCaptureUnsupported; }
#define LEAVE pthread_mutex_unlock(&lock)

static E allocate(void **at, size_t bytes, int is_device, int is_programs) {
    if (is_device && count.used + bytes > set.memory) { *at = NULL; return cudaErrorMemoryAllocation; }
    *at = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct block *b = malloc(sizeof *b);
    *b = (struct block){*at, bytes, is_device, is_programs, blocks};
    blocks = b;
    count.allocations++;
    if (is_device && (count.used += bytes) > count.peak) count.peak = count.used;
    return cudaSuccess;
}

static void release(void *at) {
    for (struct block **p = &blocks; *p; p = &(*p)->next) {
        struct block *b = *p;
        if (b->start != at) continue;
        forget(b);
        if (b->is_device) count.used -= b->bytes;
        munmap(b->start, b->bytes ? b->bytes : 1);
        *p = b->next;
        free(b);
        return;
    }
}

E cudaMalloc(void **at, size_t bytes) {
    int own = BY_PROGRAM;
    ENTER("cudaMalloc");
    E e = allocate(at, bytes, 1, own);
    LEAVE;
    return e;
}
E cudaHostAlloc(void **at, size_t bytes, unsigned flags) {
    (void)flags;
    ENTER("cudaHostAlloc");
    E e = allocate(at, bytes, 0, 0);
    LEAVE;
    return e;
}
E cudaMallocHost(void **at, size_t bytes) { return cudaHostAlloc(at, bytes, 0); }
E cudaFree(void *at) { ENTER("cudaFree"); release(at); LEAVE; return cudaSuccess; }
E cudaFreeHost(void *at) { ENTER("cudaFreeHost"); release(at); LEAVE; return cudaSuccess; }
E cudaMallocFromPoolAsync(void **at, size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
    (void)pool; (void)stream;
    return cudaMalloc(at, bytes);
}
E cudaMemGetInfo(size_t *left, size_t *all) { *left = set.memory - count.used; *all = set.memory; return failure; }

// Contents of large buffers (weights, caches) matter to nothing here.
static void copy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind) {
    count.copies++;
    if (kind == cudaMemcpyHostToDevice) count.uploaded += bytes;
    if (kind == cudaMemcpyDeviceToHost) count.downloaded += bytes;
    if (bytes <= 1u << 20) memcpy(to, from, bytes);
}
E cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind) {
    int own = BY_PROGRAM;
    ENTER("cudaMemcpy");
    copy(to, from, bytes, kind);
    // What the program writes stays until it writes again.
    if (own && kind == cudaMemcpyHostToDevice && bytes <= 1u << 20) keep(to, bytes, -1);
    LEAVE;
    return cudaSuccess;
}
E cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream) {
    if (failure) return failure;
    pthread_mutex_lock(&lock);
    copy(to, from, bytes, kind);
    if (capture.is_on && stream == capture.stream)
        say("NOTE a copy of %zu bytes (kind %d) is captured", bytes, kind);
    // So buffers are filled through ONNX Runtime before a graph that reads them is captured.
    else if (kind == cudaMemcpyDeviceToDevice && bytes <= 4096) keep(to, bytes, 0);
    LEAVE;
    return cudaSuccess;
}
E cudaMemcpy2DAsync(void *to, size_t a, const void *from, size_t b, size_t c, size_t d, enum cudaMemcpyKind k, cudaStream_t s) {
    (void)to; (void)a; (void)from; (void)b; (void)c; (void)d; (void)k; (void)s;
    count.copies++;
    return failure;
}
E cudaMemcpyFromSymbol(void *to, const void *symbol, size_t bytes, size_t offset, enum cudaMemcpyKind kind) {
    (void)symbol; (void)offset; (void)kind;
    memset(to, 0, bytes);
    return failure;
}
E cudaMemset(void *to, int value, size_t bytes) {
    ENTER("cudaMemset");
    // Fresh memory is zero already, and untouched it takes none of the host's.
    if (value || bytes <= 1u << 20) memset(to, value, bytes);
    LEAVE;
    return cudaSuccess;
}
E cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream) {
    (void)stream;
    if (!failure && bytes <= 1u << 20) memset(to, value, bytes);
    return failure;
}
E cudaPointerGetAttributes(struct cudaPointerAttributes *facts, const void *at) {
    pthread_mutex_lock(&lock);
    struct block *b = block_of(at);
    memset(facts, 0, sizeof *facts);
    facts->type = !b ? cudaMemoryTypeUnregistered : b->is_device ? cudaMemoryTypeDevice : cudaMemoryTypeHost;
    facts->devicePointer = facts->hostPointer = (void *)at;
    LEAVE;
    return failure;
}

// ---- streams, captures, graphs ----

static long streams;
E cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) { (void)flags; *stream = (cudaStream_t)(0x1000 + ++streams); return failure; }
E cudaStreamCreate(cudaStream_t *stream) { return cudaStreamCreateWithFlags(stream, 0); }
E cudaStreamSynchronize(cudaStream_t stream) {
    if (failure) return failure;
    count.syncs++;
    return capture.is_on && stream == capture.stream && is_forbidden("cudaStreamSynchronize") ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}
E cudaDeviceSynchronize(void) { ENTER("cudaDeviceSynchronize"); count.syncs++; LEAVE; return cudaSuccess; }
E cudaEventSynchronize(cudaEvent_t event) { (void)event; ENTER("cudaEventSynchronize"); count.syncs++; LEAVE; return cudaSuccess; }

E cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode) {
    if (failure) return failure;
    pthread_mutex_lock(&lock);
    capture.is_on = 1, capture.mode = mode, capture.is_broken = 0;
    capture.thread = pthread_self(), capture.stream = stream;
    count.captures++;
    LEAVE;
    if (set.capture_us) usleep((useconds_t)set.capture_us);
    return cudaSuccess;
}
E cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
    (void)stream;
    pthread_mutex_lock(&lock);
    capture.is_on = 0;
    *graph = capture.is_broken ? NULL : (cudaGraph_t)0x2000;
    LEAVE;
    return failure ? failure : capture.is_broken ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
}
E cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *status) {
    int own = capture.is_on && stream == capture.stream;
    *status = own ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    return failure;
}
E cudaGraphInstantiate(cudaGraphExec_t *made, cudaGraph_t graph, unsigned long long flags) {
    (void)graph; (void)flags;
    if (failure) return failure;
    pthread_mutex_lock(&lock);
    *made = (cudaGraphExec_t)(long)(0x3000 + ++graphs);
    for (struct range *r = kept; r; r = r->next)
        if (r->graph == 0) { r->graph = graphs; memcpy(r->was, r->start, r->bytes); }
    LEAVE;
    return cudaSuccess;
}
E cudaGraphLaunch(cudaGraphExec_t made, cudaStream_t stream) {
    (void)stream;
    int graph = (int)((long)made - 0x3000);
    E e = launch();
    if (e) return e;
    pthread_mutex_lock(&lock);
    if (count.replays++ && count.launches == at_replay.launches + 1) {
        between.steps++;
        between.copies += count.copies - at_replay.copies;
        between.syncs += count.syncs - at_replay.syncs;
        between.uploaded += count.uploaded - at_replay.uploaded;
        between.downloaded += count.downloaded - at_replay.downloaded;
        between.us += now_us() - at_replay.us;
    }
    for (struct range *r = kept; r; r = r->next) {
        if ((r->graph != -1 && r->graph != graph) || !memcmp(r->was, r->start, r->bytes)) continue;
        if (count.corrupt++ < 20) say("CORRUPT: %zu bytes that graph %d reads were overwritten", r->bytes, graph);
    }
    for (struct range *r = writes[graph]; r; r = r->next) memset(r->start, 0x3f, r->bytes);
    LEAVE;
    if (set.replay_us) usleep((useconds_t)set.replay_us);
    pthread_mutex_lock(&lock);
    at_replay.launches = count.launches, at_replay.copies = count.copies, at_replay.syncs = count.syncs;
    at_replay.uploaded = count.uploaded, at_replay.downloaded = count.downloaded, at_replay.us = now_us();
    LEAVE;
    return cudaSuccess;
}

// ---- launches of kernels ----

struct size { unsigned x, y, z; };
static __thread struct { struct size grid, block; size_t shared; void *stream; } pushed;
unsigned __cudaPushCallConfiguration(struct size grid, struct size block, size_t shared, void *stream) {
    pushed.grid = grid, pushed.block = block, pushed.shared = shared, pushed.stream = stream;
    return 0;
}
E __cudaPopCallConfiguration(struct size *grid, struct size *block, size_t *shared, void *stream) {
    *grid = pushed.grid, *block = pushed.block, *shared = pushed.shared, *(void **)stream = pushed.stream;
    return cudaSuccess;
}
void **__cudaRegisterFatBinary(void *code) { static void *handle; (void)code; return &handle; }
E __cudaGetKernel(void **kernel, const void *function) { *kernel = (void *)function; return cudaSuccess; }
E __cudaLaunchKernel(void *kernel, struct size g, struct size b, void **a, size_t s, void *stream) { (void)kernel; (void)g; (void)b; (void)a; (void)s; (void)stream; return launch(); }
E cudaLaunchKernel(const void *f, struct size g, struct size b, void **a, size_t s, cudaStream_t stream) { (void)f; (void)g; (void)b; (void)a; (void)s; (void)stream; return launch(); }
E cudaLaunchCooperativeKernel(const void *f, struct size g, struct size b, void **a, size_t s, cudaStream_t stream) { return cudaLaunchKernel(f, g, b, a, s, stream); }
E cudaLaunchKernelExC(const cudaLaunchConfig_t *config, const void *f, void **a) { (void)config; (void)f; (void)a; return launch(); }
E cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t call, void *with) { (void)stream; call(with); return failure; }

// ---- facts about the device ----

static int shared_memory(void) { return set.capability >= 90 ? 227 << 10 : set.capability == 75 ? 64 << 10 : 99 << 10; }
E cudaGetDeviceCount(int *n) { *n = set.devices; return set.devices ? failure : cudaErrorNoDevice; }
E cudaGetDevice(int *device) { *device = 0; return failure; }
E cudaSetDevice(int device) { return failure ? failure : device < set.devices ? cudaSuccess : cudaErrorInvalidDevice; }
E cudaDriverGetVersion(int *version) { *version = MAJOR * 1000; return cudaSuccess; }
E cudaRuntimeGetVersion(int *version) { *version = MAJOR * 1000; return cudaSuccess; }
E cudaGetDeviceProperties(struct cudaDeviceProp *p, int device) {
    (void)device;
    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "Stand-in GPU");
    p->major = set.capability / 10, p->minor = set.capability % 10;
    p->totalGlobalMem = set.memory;
    p->multiProcessorCount = 100, p->warpSize = 32;
    p->maxThreadsPerBlock = 1024, p->maxThreadsPerMultiProcessor = 2048, p->maxBlocksPerMultiProcessor = 32;
    p->regsPerBlock = p->regsPerMultiprocessor = 65536;
    p->sharedMemPerBlock = 48 << 10, p->sharedMemPerBlockOptin = shared_memory(), p->sharedMemPerMultiprocessor = 228 << 10;
    for (int axis = 0; axis < 3; axis++) p->maxThreadsDim[axis] = axis < 2 ? 1024 : 64, p->maxGridSize[axis] = axis ? 65535 : 0x7fffffff;
    return failure;
}
#if MAJOR == 12
E cudaGetDeviceProperties_v2(struct cudaDeviceProp *p, int device) { return cudaGetDeviceProperties(p, device); }
#endif
E cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device) {
    struct cudaDeviceProp p;
    E e = cudaGetDeviceProperties(&p, device);
    switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor: *value = p.major; break;
    case cudaDevAttrComputeCapabilityMinor: *value = p.minor; break;
    case cudaDevAttrMultiProcessorCount: *value = p.multiProcessorCount; break;
    case cudaDevAttrMaxThreadsPerBlock: *value = p.maxThreadsPerBlock; break;
    case cudaDevAttrMaxThreadsPerMultiProcessor: *value = p.maxThreadsPerMultiProcessor; break;
    case cudaDevAttrWarpSize: *value = p.warpSize; break;
    case cudaDevAttrMaxSharedMemoryPerBlock: *value = (int)p.sharedMemPerBlock; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = (int)p.sharedMemPerBlockOptin; break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor: *value = (int)p.sharedMemPerMultiprocessor; break;
    case cudaDevAttrMaxGridDimX: *value = p.maxGridSize[0]; break;
    case cudaDevAttrMaxGridDimY: *value = p.maxGridSize[1]; break;
    case cudaDevAttrMaxGridDimZ: *value = p.maxGridSize[2]; break;
    default: *value = 1;
    }
    return e;
}
E cudaFuncGetAttributes(struct cudaFuncAttributes *a, const void *f) {
    (void)f;
    memset(a, 0, sizeof *a);
    a->maxThreadsPerBlock = 1024, a->numRegs = 64, a->binaryVersion = a->ptxVersion = set.capability;
    return failure;
}
E cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *n, const void *f, int b, size_t s, unsigned flags) { (void)f; (void)b; (void)s; (void)flags; *n = 2; return failure; }
E cudaGetDriverEntryPointByVersion(const char *name, void **at, unsigned v, unsigned long long f, enum cudaDriverEntryPointQueryResult *found) {
    (void)name; (void)v; (void)f;
    *at = NULL;
    if (found) *found = cudaDriverEntryPointSymbolNotFound;
    return failure;
}
E cudaGetLastError(void) { return failure; }
E cudaPeekAtLastError(void) { return failure; }
const char *cudaGetErrorName(E e) { return e ? "cudaError" : "cudaSuccess"; }
const char *cudaGetErrorString(E e) {
    switch ((int)e) {
    case 0: return "no error";
    case 2: return "out of memory";
    case 100: return "no CUDA-capable device is detected";
    case 700: return "an illegal memory access was encountered";
    case 719: return "unspecified launch failure";
    case 900: return "operation not permitted when stream is capturing";
    case 901: return "operation failed due to a previous error during capture";
    default: return "an error";
    }
}
E cudaEventElapsedTime(float *ms, cudaEvent_t a, cudaEvent_t b) { (void)a; (void)b; *ms = 1; return failure; }
E cudaMemPoolGetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr a, void *value) { (void)pool; (void)a; *(unsigned long long *)value = 0; return failure; }
