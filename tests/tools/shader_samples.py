"""Shaders that tools/shaders must refuse, and ones that it must take."""

from __future__ import annotations

HEAD = '#include "rt_kernel.h"\n'
KERNEL = """kernel void k(device float* x [[buffer(0)]], constant float& c [[buffer(1)]],
              uint i [[thread_position_in_grid]]) {
  rt_shared float t[32];
  %s
}
RT_EXPORT(k)
"""


# A statement in the kernel above, which stands on line 5, and a part of the message.
STATEMENTS = {
    "device from threadgroup": (
        "device float* p = t; x[i] = p[0];",
        "cannot initialize a variable of type 'device float *",
    ),
    "threadgroup from device": (
        "threadgroup float* p = x; x[i] = p[0];",
        "cannot initialize a variable of type 'threadgroup",
    ),
    "thread from device": (
        "thread float* p = x; x[i] = p[0];",
        "cannot initialize a variable of type 'thread",
    ),
    "device from constant": (
        "device const float* p = &c; x[i] = p[0];",
        "cannot initialize a variable of type 'const device",
    ),
    "cast between spaces": ("threadgroup float* p = (threadgroup float*)x; x[i] = p[0];", "C-style cast"),
    "cast to no space": ("x[i] = ((float*)x)[0];", "names no address space"),
    "pointer without a space": ("float v = 1; float* p = &v; x[i] = *p;", "without an address space"),
    "reference without a space": ("float v = 1; float& r = v; x[i] = r;", "without an address space"),
    "write to constant": ("c = 1.0f;", "cannot assign to variable 'c'"),
    "double": ("double d = 1.0f; x[i] = float(d);", "unknown type name 'double'"),
    "double literal": ("x[i] = c * 2.0;", "ends in f or h"),
    "unknown suffix": ("half h = 1.0q; x[i] = h;", "ends in f or h"),
    "goto": ("goto end; x[i] = 1; end: ;", "goto is not"),
    "throw": ("if (c > 1) throw 1;", "exceptions disabled"),
    "new": ("x[i] = *new float;", "'default new' is not supported"),
    "function pointer": (
        "float (*f)(float) = &sqrt<float>; x[i] = f(c);",
        "pointers to functions are not allowed",
    ),
    "static local": ("static float s; x[i] = s;", "'s' is a static variable"),
    "lambda": ("auto f = [](float a) { return a + 1; }; x[i] = f(c);", "a lambda"),
    "assembler": ('asm("nop"); x[i] = 0;', "assembler"),
    "compiler's builtin": ("x[i] = __builtin_sqrtf(c);", "__builtin_sqrtf is the compiler's"),
    "not in the library": ("x[i] = erf(c);", "use of undeclared identifier 'erf'"),
    "std": ("x[i] = std::max(c, 1.0f);", "use of undeclared identifier 'std'"),
    "printf": ('printf("%f", c);', "use of undeclared identifier 'printf'"),
    "max of mixed types": ("x[i] = float(max(i, 1));", "no matching function for call to 'max'"),
    "as_type of other size": ("x[i] = as_type<half>(c);", "as_type keeps the size"),
    "bare threadgroup storage": (
        "threadgroup float u[4]; x[i] = u[0];",
        "non-kernel function variable cannot be declared in local",
    ),
    "reference to shared": ("rt_shared float u; device float& r = u; x[i] = r;", "changes address space"),
    "atomic on numbers": (
        "atomic_fetch_add_explicit(x, 1.0f, memory_order_relaxed);",
        "no matching function",
    ),
    "shared float atomic": (
        "rt_shared atomic_float a; atomic_fetch_add_explicit(&a, 1.0f, memory_order_relaxed);",
        "no matching function",
    ),
    "atomic float maximum": (
        "atomic_fetch_max_explicit((device atomic_float*)x, 1.0f, memory_order_relaxed);",
        "no matching function",
    ),
    "other memory order": (
        "atomic_fetch_add_explicit((device atomic_uint*)x, 1u, memory_order_seq_cst);",
        "undeclared identifier 'memory_order_seq_cst'",
    ),
    "barrier without flags": ("threadgroup_barrier();", "no matching function"),
    "64 bits across lanes": (
        "x[i] = float(simd_sum(ulong(i)));",
        "no matching function for call to 'simd_sum'",
    ),
    "component that is not": ("float2 v = float2(1); x[i] = v.z;", "no member named 'z'"),
    "swizzle": ("float4 v = float4(1); x[i] = v.xy.x;", "no member named 'xy'"),
    "vector of too many": ("float4 v = float4(1, 2, 3, 4, 5); x[i] = v.x;", "no matching constructor"),
    "matrix from half": (
        "simdgroup_float8x8 m; simdgroup_load(m, (device half*)x, 8);",
        "no matching function",
    ),
    "matrix of 16 x 16": ("simdgroup_matrix<float, 16, 16> m; x[i] = 0;", "matrices of 8 x 8"),
}

# Whole files: the line, and a part of the message.
FILES = {
    "recursion": ("inline int f(int n) { return n < 2 ? 1 : n * f(n - 1); }\n", 2, "'f' may call itself"),
    "mutual recursion": (
        "inline int g(int n);\ninline int f(int n) { return g(n); }\ninline int g(int n) { return f(n); }\n",
        3,
        "'f' may call itself",
    ),
    "recursive template": (
        "template <class T>\ninline T f(T n) { return n < T(2) ? n : f(n - T(1)); }\n",
        3,
        "'f' may call itself",
    ),
    "virtual": (
        "struct A {\n  virtual int f() { return 1; }\n};\n",
        3,
        "virtual functions are not supported",
    ),
    "parameter without a space": ("inline float f(const float* p) { return p[0]; }\n", 2, "'p' is a pointer"),
    "reference without a space": ("inline void f(float& p) { p = 1; }\n", 2, "'p' is a pointer or reference"),
    "template without a space": (
        "template <class T>\ninline T f(T* p) { return *p; }\n",
        3,
        "'p' is a pointer",
    ),
    "member without a space": ("struct A {\n  float* p;\n};\n", 3, "'p' is a pointer or reference"),
    "result without a space": ("inline float* f(device float* p);\n", 2, "'f' returns a pointer"),
    "bit field": ("struct A {\n  uint a : 3;\n};\n", 3, "bit-fields are not supported"),
    "standard header": ("#include <cmath>\n", 2, "'cmath' file not found"),
    "Metal's header": ("#include <metal_stdlib>\n", 2, "shaders include rt_kernel.h"),
    "device for thread": (
        "inline void f(thread float& p) { p = 1; }\n"
        "kernel void k(device float* x [[buffer(0)]]) { f(x[0]); }\nRT_EXPORT(k)\n",
        3,
        "no matching function for call to 'f'",
    ),
    "variable of the program": ("float g = 1;\n", 2, "not constant"),
    "number of the program": ("constexpr int n = 4;\n", 2, "not constant"),
    "thread_local": ("thread_local int v;\n", 2, "does not support the 'thread_local' storage class"),
    "shared in a function": (
        "inline float f() {\n  rt_shared float t[4];\n  return t[0];\n}\n",
        3,
        "outside of a kernel's body",
    ),
    "C++17": (
        "inline int f(uint2 v) {\n  auto [a, b] = v;\n  return a;\n}\n",
        3,
        "incompatible with C++ standards before C++17",
    ),
    "builtin before a buffer": (
        "kernel void k(uint i [[thread_position_in_grid]], device float* x [[buffer(0)]]) {}\nRT_EXPORT(k)\n",
        2,
        "buffers come before built-ins",
    ),
    "index of a buffer": (
        "kernel void k(device float* x [[buffer(1)]]) {}\nRT_EXPORT(k)\n",
        2,
        "stands at place 0",
    ),
    "no attribute": ("kernel void k(device float* x) {}\nRT_EXPORT(k)\n", 2, "x: no attribute"),
    "unknown attribute": ("kernel void k(uint i [[thread_id]]) {}\nRT_EXPORT(k)\n", 2, "i: no attribute"),
    "threadgroup argument": (
        "kernel void k(threadgroup float* t [[threadgroup(0)]]) {}\nRT_EXPORT(k)\n",
        2,
        "t: no attribute",
    ),
    "vector for a count": (
        "kernel void k(uint2 i [[thread_index_in_simdgroup]]) {}\nRT_EXPORT(k)\n",
        2,
        "is no uint2",
    ),
    "signed position": (
        "kernel void k(int i [[thread_position_in_grid]]) {}\nRT_EXPORT(k)\n",
        2,
        "is no int",
    ),
    "not exported": ("kernel void k(device float* x [[buffer(0)]]) {}\n", 2, "k: no RT_EXPORT"),
    "template not exported": (
        "template <class T>\nkernel void k(device T* x [[buffer(0)]]) {}\n",
        3,
        "k: no RT_EXPORT",
    ),
    "exported by mistake": ("inline void f() {}\nRT_EXPORT(f)\n", 3, "which is no kernel"),
    "buffer by value": (
        "kernel void k(float x [[buffer(0)]]) {}\nRT_EXPORT(k)\n",
        2,
        "a buffer is a device or",
    ),
    "single device value": (
        "kernel void k(device float& x [[buffer(0)]]) {}\nRT_EXPORT(k)\n",
        2,
        "as a pointer",
    ),
    "kernel with a result": (
        "kernel int k(device float* x [[buffer(0)]]) { return 1; }\nRT_EXPORT(k)\n",
        2,
        "a kernel returns void",
    ),
    "32 buffers": (
        "kernel void k("
        + ", ".join(f"device float* x{i} [[buffer({i})]]" for i in range(32))
        + ") {}\nRT_EXPORT(k)\n",
        2,
        "32 buffers; at most 31",
    ),
    "instance that fails": (
        "template <class T>\nkernel void k(device T* x [[buffer(0)]]) { x[0] = simd_sum(x[1]); }\n"
        "RT_EXPORT_AS(k_long, k<long>)\n",
        3,
        "no matching function for call to 'simd_sum'",
    ),
    "export of nothing": ("RT_EXPORT_AS(k_float, k<float>)\n", 2, "use of undeclared identifier 'k'"),
    "constant in a constant": (
        "RT_FUNCTION_CONSTANT(int, width, 0)\n"
        "kernel void k(device float* x [[buffer(0)]]) {\n  rt_shared float t[width];\n  x[0] = t[0];\n}\n"
        "RT_EXPORT(k)\n",
        4,
        "array size is not a constant expression",
    ),
}

GOOD = {
    "plain": KERNEL % "t[i % 32] = c; threadgroup_barrier(mem_flags::mem_threadgroup); x[i] = t[0];",
    "vectors": KERNEL
    % "float4 v = 2 * ((device const float4*)x)[i] + float4(1, 2, 3, 4); v[1] += 1.0f; x[i] = dot(v, v);",
    "shared vectors": KERNEL
    % "threadgroup float4* v = (threadgroup float4*)t; v[0].x = 1.0f; x[i] = v[0][1];",
    "half and bfloat": KERNEL % "half h = half(bfloat(c)); x[i] = float(h) + float(bfloat(h)) + 1.0h;",
    "simdgroup": KERNEL
    % "x[i] = simd_sum(c) + simd_shuffle_xor(x[i], 3) + (simd_any(c > 0.0f) ? 1.0f : 0.0f);",
    "temporary": KERNEL % "const thread float4& v = float4(c) * 2.0f; x[i] = v.x;",
    "metal 3.1": KERNEL % "if constexpr (sizeof(float) == 4) x[i] = INFINITY;",
    "shared variables": KERNEL
    % "rt_shared float a[2][32], b[4],\n      last; a[1][i] = 1; b[0] = 2; last = 3; x[i] = a[0][i] + last;",
    "program scope": "constant float table[2] = {1.0f, 2.0f};\nconstant constexpr int n = 4;\n",
    "formulas": '#include "rt_formulas.h"\n#include "rt_philox.h"\n'
    + KERNEL
    % "x[i] = rt_formulas::exp_(c) + rt_formulas::uniform_float_(rt_formulas::philox_at_(1, 2, i).x);",
    "templates": """template <class T, int N>
kernel void sum(device const T* x [[buffer(0)]], device T* y [[buffer(1)]], constant uint& n [[buffer(2)]],
                ushort2 i [[thread_position_in_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  rt_shared vec<T, 4> t[N][32], last;
  t[i.y % N][lane].x = x[i.x] * T(0.5);
  last = t[0][1];
  if (i.x < n) y[i.x] = last.x;
}
RT_EXPORT_AS(sum_float_2, sum<float, 2>)
RT_EXPORT_AS(sum_bfloat_4, sum<bfloat, 4>)
""",
    "function constant": "RT_FUNCTION_CONSTANT(bool, masked, 0)\nRT_FUNCTION_CONSTANT(uint, width, 1)\n"
    + KERNEL % "x[i] = masked ? float(width) : 0.0f;",
    "struct by value": "struct Sizes {\n  uint n;\n  uint shape[4];\n};\n"
    "kernel void k(device float* x [[buffer(0)]], constant Sizes& sizes [[buffer(1)]]) {\n"
    "  Sizes s = sizes;\n  s = sizes;\n  x[s.n] = float(sizes.shape[1]);\n}\nRT_EXPORT(k)\n",
    "matrices": KERNEL % "simdgroup_float8x8 a, b = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);"
    " simdgroup_load(a, x, 8, ulong2(0, 8)); simdgroup_multiply_accumulate(b, a, a, b);"
    " simdgroup_store(b, &t[0], 8); x[i] = b.thread_elements()[0];",
    "atomics": "kernel void k(device atomic_uint* x [[buffer(0)]], device atomic_float* y [[buffer(1)]]) {\n"
    "  rt_shared atomic_uint t[4];\n  atomic_store_explicit(&t[1], 1, memory_order_relaxed);\n"
    "  atomic_fetch_max_explicit(&x[0], 1u, memory_order_relaxed);\n"
    "  atomic_fetch_add_explicit(y, 1.0f, memory_order_relaxed);\n}\nRT_EXPORT(k)\n",
    "made by a macro": "#define ADD(T)                                                                  \\\n"
    "  kernel void add_##T(device T* x [[buffer(0)]], uint i [[thread_position_in_grid]]) { \\\n"
    "    x[i] = x[i] + T(1);                                                           \\\n  }      \\\n"
    "  RT_EXPORT(add_##T)\nADD(float)\nADD(half)\nADD(long)\n",
}
