// Conversions to another device for which the host does not wait.
#pragma once

namespace rt {

// Lets such conversions of the thread be queued, where they can be, for a scope.
class NonBlocking {
 public:
  explicit NonBlocking(bool on);
  ~NonBlocking();
  NonBlocking(const NonBlocking&) = delete;

 private:
  const bool before_;
};

}  // namespace rt
