// What rt_blocks.h promises, on NVIDIA: mma.m16n8k16, whose registers are blocks of 8 x 8 with two
// elements a lane, ldmatrix and cp.async.
#pragma once

enum { rt_row_lane_1 = 1, rt_row_lane_2 = 2 };
inline uint rt_block_row(uint lane) { return lane / 4; }
inline uint rt_block_col(uint lane) { return lane % 4 * 2; }

template <class T>
struct rt_block {
  uint bits;
  void set(float first, float second);
};
template <>
RT_FN void rt_block<half>::set(float first, float second) {
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(second), "f"(first));
}
template <>
RT_FN void rt_block<bfloat>::set(float first, float second) {
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(second), "f"(first));
}
struct rt_block_sum {
  float e[2];
  RT_FN float get(int i) { return e[i]; }
  RT_FN void set(int i, float value) { e[i] = value; }
};

RT_FN uint rt_shared_address(const void* p) { return uint(__cvta_generic_to_shared(p)); }

// Eight rows of 16 bytes of a block are in the eighth of the lanes that the block's number says.
#define RT_LOAD_MATRICES(turn, b, at)                                                       \
  asm volatile("ldmatrix.sync.aligned.m8n8.x4" turn ".shared.b16 {%0,%1,%2,%3}, [%4];"      \
               : "=r"((b)[0].bits), "=r"((b)[1].bits), "=r"((b)[2].bits), "=r"((b)[3].bits) \
               : "r"(rt_shared_address(at))                                                 \
               : "memory")

template <class T>
RT_FN void rt_load_left(rt_block<T>* b, const T* from, uint step, uint lane) {
  RT_LOAD_MATRICES("", b, from + (lane / 16 * 8 + lane % 8) * step + lane / 8 % 2 * 8);
}
// Of a right side a lane has elements of one column; a product wants the upper and the lower block
// in registers side by side.
template <bool Turned, class T>
RT_FN void rt_load_right(rt_block<T>* b, const T* from, uint step, uint lane) {
  if (Turned) {
    RT_LOAD_MATRICES("", b, from + (lane / 16 * 8 + lane % 8) * step + lane / 8 % 2 * 8);
  } else {
    RT_LOAD_MATRICES(".trans", b, from + lane % 16 * step + lane / 16 * 8);
  }
}
#undef RT_LOAD_MATRICES

template <class T>
RT_FN void rt_store_block(T* to, rt_block<T> b, uint step, uint lane) {
  *(uint*)(to + rt_block_row(lane) * step + rt_block_col(lane)) = b.bits;
}

#define RT_MULTIPLY_BLOCKS(type, name)                                                            \
  RT_FN void rt_multiply_blocks(rt_block_sum* sum, const rt_block<type>* a, rt_block<type> upper, \
                                rt_block<type> lower) {                                           \
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." name "." name                           \
                 ".f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"                     \
                 : "+f"(sum[0].e[0]), "+f"(sum[0].e[1]), "+f"(sum[1].e[0]), "+f"(sum[1].e[1])     \
                 : "r"(a[0].bits), "r"(a[2].bits), "r"(a[1].bits), "r"(a[3].bits),                \
                   "r"(upper.bits), "r"(lower.bits));                                             \
  }
RT_MULTIPLY_BLOCKS(half, "f16")
RT_MULTIPLY_BLOCKS(bfloat, "bf16")
#undef RT_MULTIPLY_BLOCKS

template <class T>
RT_FN void rt_copy16(T* to, const T* from, bool there) {
  const uint bytes = there ? 16 : 0;  // the rest is filled with zeros
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
               :
               : "r"(rt_shared_address(to)), "l"(__cvta_generic_to_global(from)), "r"(bytes)
               : "memory");
}
RT_FN void rt_copies_begun() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int Left>
RT_FN void rt_copies_wait() {
  asm volatile("cp.async.wait_group %0;" : : "n"(Left) : "memory");
}
