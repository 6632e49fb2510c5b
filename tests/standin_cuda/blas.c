// Stand-ins for the products of cuBLAS and cuBLASLt. Their other functions are made by build.sh and do nothing.
#include "standin.h"
#include <string.h>

#define FAILED 13 // CUBLAS_STATUS_EXECUTION_FAILED
static int product(void *result, long m, long n, long bytes) { return standin_product(result, (size_t)(m * n * bytes)) ? FAILED : 0; }
// CUDA_R_32F is 0; the other types of results have two bytes.
static long width(int type) { return type == 0 ? 4 : 2; }

#ifdef LT
static int made(void **out) { *out = (void *)0x4000; return 0; }
int cublasLtCreate(void **out) { return made(out); }
int cublasLtMatmulDescCreate(void **out) { return made(out); }
int cublasLtMatmulPreferenceCreate(void **out) { return made(out); }
int cublasLtMatrixLayoutCreate(void **out) { return made(out); }
int cublasLtMatrixTransformDescCreate(void **out) { return made(out); }
// The layouts are not remembered, so the result counts as one element.
int cublasLtMatmul(void *h, void *d, void *al, void *a, void *ad, void *b, void *bd, void *be, void *c, void *cd, void *result) {
    (void)h; (void)d; (void)al; (void)a; (void)ad; (void)b; (void)bd; (void)be; (void)c; (void)cd;
    return product(result, 1, 1, 2);
}
int cublasLtMatmulAlgoGetHeuristic(void *h, void *d, void *a, void *b, void *c, void *r, void *p, int asked, void *found, int *count) {
    (void)h; (void)d; (void)a; (void)b; (void)c; (void)r; (void)p;
    if (asked > 0) memset(found, 0, 64);
    *count = 1;
    return 0;
}
#else
int cublasCreate_v2(void **out) { *out = (void *)0x4000; return 0; }
int cublasGetMathMode(void *h, int *mode) { (void)h; *mode = 0; return 0; }
const char *cublasGetStatusName(int status) { return status ? "CUBLAS_STATUS_EXECUTION_FAILED" : "CUBLAS_STATUS_SUCCESS"; }
const char *cublasGetStatusString(int status) { return cublasGetStatusName(status); }
int cublasSgemm_v2(void *h, int ta, int tb, int m, int n, int k, void *al, void *a, int lda, void *b, int ldb, void *be, void *c) {
    (void)h; (void)ta; (void)tb; (void)k; (void)al; (void)a; (void)lda; (void)b; (void)ldb; (void)be;
    return product(c, m, n, 4);
}
int cublasSgemmStridedBatched(void *h, int ta, int tb, int m, int n, int k, void *al, void *a, int lda, long sa, void *b, int ldb, long sb, void *be, void *c, int ldc, long sc, int batch) {
    (void)h; (void)ta; (void)tb; (void)k; (void)al; (void)a; (void)lda; (void)sa; (void)b; (void)ldb; (void)sb; (void)be; (void)ldc; (void)sc;
    return product(c, m, (long)n * batch, 4);
}
int cublasGemmEx(void *h, int ta, int tb, int m, int n, int k, void *al, void *a, int at, int lda, void *b, int bt, int ldb, void *be, void *c, int type) {
    (void)h; (void)ta; (void)tb; (void)k; (void)al; (void)a; (void)at; (void)lda; (void)b; (void)bt; (void)ldb; (void)be;
    return product(c, m, n, width(type));
}
int cublasGemmStridedBatchedEx(void *h, int ta, int tb, int m, int n, int k, void *al, void *a, int at, int lda, long sa, void *b, int bt, int ldb, long sb, void *be, void *c, int type, int ldc, long sc, int batch) {
    (void)h; (void)ta; (void)tb; (void)k; (void)al; (void)a; (void)at; (void)lda; (void)sa; (void)b; (void)bt; (void)ldb; (void)sb; (void)be; (void)ldc; (void)sc;
    return product(c, m, (long)n * batch, width(type));
}
#endif
