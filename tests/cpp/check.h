// The whole test framework: a failed check prints where and what, and the program exits with 1.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>

#define CHECK(cond)                                                           \
  do {                                                                        \
    if (!(cond)) {                                                            \
      std::fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #cond); \
      std::exit(1);                                                           \
    }                                                                         \
  } while (0)

// |got - want| <= tolerance, or both NaN, or the same infinity.
#define CHECK_NEAR(got, want, tolerance)                                                       \
  do {                                                                                         \
    const double got_ = static_cast<double>(got), want_ = static_cast<double>(want);           \
    if (!(std::fabs(got_ - want_) <= (tolerance)) && got_ != want_ &&                          \
        !(std::isnan(got_) && std::isnan(want_))) {                                            \
      std::fprintf(stderr, "%s:%d: %s is %.17g, want %.17g\n", __FILE__, __LINE__, #got, got_, \
                   want_);                                                                     \
      std::exit(1);                                                                            \
    }                                                                                          \
  } while (0)

#define CHECK_THROWS(expression, Exception)                                                        \
  do {                                                                                             \
    bool thrown_ = false;                                                                          \
    try {                                                                                          \
      expression;                                                                                  \
    } catch (const Exception&) {                                                                   \
      thrown_ = true;                                                                              \
    }                                                                                              \
    if (!thrown_) {                                                                                \
      std::fprintf(stderr, "%s:%d: no %s from %s\n", __FILE__, __LINE__, #Exception, #expression); \
      std::exit(1);                                                                                \
    }                                                                                              \
  } while (0)
