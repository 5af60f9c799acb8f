// Forward and backward recursions of ctc_loss over the states blank, label, blank, label, ...,
// blank, in logarithms. A threadgroup has a sample, its threads states.
#include "rt_group.h"
//
#include "rt_plans_ctc.h"

inline float rt_log_sum(float a, float b, float c) {
  const float ab = a > b ? a : b, most = ab > c ? ab : c;
  if (most == -INFINITY) return most;
  return most + log_(exp_(a - most) + exp_(b - most) + exp_(c - most));
}

// One sample.
struct rt_sample {
  uint steps, states, blank;
  ulong step;  // of the probabilities
  device const long* labels;
  device const float* log_probs;
};
inline rt_sample rt_sample_of(device const float* log_probs, device const long* targets,
                              device const int* lengths, constant CtcPlan& p, uint n) {
  return {uint(lengths[n]),
          2 * uint(lengths[p.batch + n]) + 1,
          p.blank,
          ulong(p.batch) * p.classes,
          targets + ulong(n) * p.longest,
          log_probs + ulong(n) * p.classes};
}
inline uint rt_label(rt_sample s, uint i) { return i % 2 == 0 ? s.blank : uint(s.labels[i / 2]); }
// A label may follow the one before it without a blank between, unless they are the same.
inline bool rt_skips(rt_sample s, uint i) {
  if (i % 2 == 0 || i < 2) return false;
  return s.labels[i / 2] != s.labels[i / 2 - 1];
}
inline float rt_emit(rt_sample s, uint t, uint i) {
  return s.log_probs[t * s.step + rt_label(s, i)];
}

kernel void ctc_float(device float* losses [[buffer(0)]], device float* log_alpha [[buffer(1)]],
                      device const float* log_probs [[buffer(2)]],
                      device const long* targets [[buffer(3)]],
                      device const int* lengths [[buffer(4)]], constant CtcPlan& p [[buffer(5)]],
                      uint n [[threadgroup_position_in_grid]],
                      uint thread_index [[thread_index_in_threadgroup]],
                      uint simdgroups [[simdgroups_per_threadgroup]]) {
  const uint threads = simdgroups * 32;
  const rt_sample s = rt_sample_of(log_probs, targets, lengths, p, n);
  device float* alpha = log_alpha + ulong(n) * p.steps * p.width;
  for (uint t = 0; t < p.steps; t++) {
    device float* now = alpha + ulong(t) * p.width;
    device const float* before = now - (t > 0 ? p.width : 0);
    for (uint i = thread_index; i < p.width; i += threads) {
      float v = -INFINITY;
      if (t < s.steps && i < s.states) {
        if (t > 0) {
          v = rt_emit(s, t, i) + rt_log_sum(before[i], i > 0 ? before[i - 1] : -INFINITY,
                                            rt_skips(s, i) ? before[i - 2] : -INFINITY);
        } else if (i < 2) {
          v = rt_emit(s, 0, i);
        }
      }
      now[i] = v;
    }
    rt_device_barrier();
  }
  if (thread_index > 0) return;
  if (s.steps == 0) {
    losses[n] = s.states == 1 ? 0.0f : INFINITY;
    return;
  }
  device const float* last = alpha + ulong(s.steps - 1) * p.width;
  losses[n] =
      -rt_log_sum(last[s.states - 1], s.states > 1 ? last[s.states - 2] : -INFINITY, -INFINITY);
}
RT_EXPORT(ctc_float)

// `room` has 3 * width numbers for each sample: the logarithms of the probabilities of what comes
// after a step, for two steps, and of being in each state. Labels that are the same are chained in
// `chains` (2 * longest), so that one thread adds up what belongs to a class, in one order.
kernel void ctc_backward_float(
    device float* grad_log_probs [[buffer(0)]], device float* room [[buffer(1)]],
    device int* chains [[buffer(2)]], device const float* log_alpha [[buffer(3)]],
    device const float* log_probs [[buffer(4)]], device const long* targets [[buffer(5)]],
    device const int* lengths [[buffer(6)]], device const float* losses [[buffer(7)]],
    device const float* grad [[buffer(8)]], constant CtcPlan& p [[buffer(9)]],
    uint n [[threadgroup_position_in_grid]], uint thread_index [[thread_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]]) {
  rt_shared float shared[32];
  const rt_place place = rt_place_of(n, thread_index, lane, simdgroup, simdgroups);
  const uint threads = simdgroups * 32;
  const float g = grad[n], loss = losses[n];
  // What zero_infinity leaves out has the gradient zero, whatever the loss.
  if (g == 0.0f) return;
  const rt_sample s = rt_sample_of(log_probs, targets, lengths, p, n);
  device const float* alpha = log_alpha + ulong(n) * p.steps * p.width;
  device float* beta = room + ulong(n) * 3 * p.width;
  device float* later = beta + p.width;
  device float* occupied = later + p.width;
  device int* next = chains + ulong(n) * 2 * p.longest;
  device int* leads = next + p.longest;
  const uint labels = s.states / 2;
  for (uint k = thread_index; k < labels; k += threads) {
    const long own = s.labels[k];
    int follower = -1, first = own == long(s.blank) ? 0 : 1;
    for (uint j = 0; j < k; j++) {
      if (s.labels[j] == own) first = 0;
    }
    for (uint j = k + 1; j < labels && follower < 0; j++) {
      if (s.labels[j] == own) follower = int(j);
    }
    next[k] = follower;
    leads[k] = first;
  }
  rt_device_barrier();
  for (uint left = s.steps; left > 0; left--) {
    const uint t = left - 1;
    float blanks = 0.0f;
    for (uint i = thread_index; i < s.states; i += threads) {
      float b = i + 2 >= s.states ? 0.0f : -INFINITY;
      if (left < s.steps) {
        const float one = i + 1 < s.states ? later[i + 1] + rt_emit(s, left, i + 1) : -INFINITY;
        const bool skips = i + 2 < s.states && rt_skips(s, i + 2);
        b = rt_log_sum(later[i] + rt_emit(s, left, i), one,
                       skips ? later[i + 2] + rt_emit(s, left, i + 2) : -INFINITY);
      }
      beta[i] = b;
      const float probability = exp_(alpha[ulong(t) * p.width + i] + b + loss);
      occupied[i] = probability;
      if (rt_label(s, i) == s.blank) blanks += probability;
    }
    blanks = rt_over_group<rt_add>(blanks, shared, place);
    rt_device_barrier();
    // Minus the probability that the path is in a state of the class.
    device float* out = grad_log_probs + t * s.step + ulong(n) * p.classes;
    if (thread_index == 0) out[s.blank] -= g * blanks;
    for (uint k = thread_index; k < labels; k += threads) {
      if (leads[k] == 0) continue;
      float sum = 0.0f;
      for (int j = int(k); j >= 0; j = next[j]) sum += occupied[2 * j + 1];
      out[s.labels[k]] -= g * sum;
    }
    device float* turned = later;
    later = beta;
    beta = turned;
    rt_device_barrier();
  }
}
RT_EXPORT(ctc_backward_float)
