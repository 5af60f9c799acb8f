// Running on the CPU what an engine has no kernel for, never unseen.
#pragma once

#include <string>
#include <vector>

#include "core/modes.h"

namespace rt {

// While it lives, ops of this thread that lack a kernel on their device run on copies in host
// memory, and their results go back to the device; gradients flow through the copies. Each op is
// counted, and reported the first time. Without it such a call is an error (MissingKernel).
class CpuFallback final : public Interceptor {
 public:
  struct Entry {
    std::string op;  // as it was called
    std::string device;
    std::string reason;  // which kernel was missing
    int64_t count;
  };
  using Report = void (*)(const Entry& first);

  explicit CpuFallback(Report report);
  ~CpuFallback() override;
  CpuFallback(const CpuFallback&) = delete;

  void call(OpCall& call) override;
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  void note(const std::string& op, Device device, const std::string& reason);
  Report report_;
  std::vector<Entry> entries_;
};

}  // namespace rt
