// Written by hand: what csrc calls of Accelerate's BLAS, of which there is no metadata.
#pragma once
enum CBLAS_ORDER { CblasRowMajor = 101, CblasColMajor = 102 };
enum CBLAS_TRANSPOSE { CblasNoTrans = 111, CblasTrans = 112, CblasConjTrans = 113 };
#define RT_GEMM(name, scalar, pointer)                                                     \
  extern "C" void name(CBLAS_ORDER, CBLAS_TRANSPOSE, CBLAS_TRANSPOSE, int m, int n, int k, \
                       scalar alpha, const pointer* a, int lda, const pointer* b, int ldb, \
                       scalar beta, pointer* c, int ldc) __asm("_" #name "$NEWLAPACK");
RT_GEMM(cblas_sgemm, float, float)
RT_GEMM(cblas_dgemm, double, double)
RT_GEMM(cblas_cgemm, const void*, void)
RT_GEMM(cblas_zgemm, const void*, void)
#undef RT_GEMM
