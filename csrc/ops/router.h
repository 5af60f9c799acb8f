// Routes the ops of a thread: to the device that the routing table says, or past engines that have
// no kernel; never unseen.
#pragma once

#include <string>
#include <vector>

#include "ops/routing.h"
#include "ops/transplant.h"

namespace rt {

enum class RoutingMode : uint8_t {
  Off,       // ops run where their inputs live; a missing kernel is an error
  Fallback,  // the same, but a missing kernel sends the op along the chain
  Auto,      // the table says where ops run
  Strict,    // as Auto, and falling back is an error
};

// What routing did, in all threads.
struct RoutingStats {
  struct Fallback {
    std::string op, device, reason;
    int64_t count;
  };
  std::array<int64_t, kNumDeviceTypes> calls{};  // by the engine that ran them
  std::vector<Fallback> fallbacks;
  int64_t bytes_moved = 0;
};
RoutingStats routing_stats();
// Counts that an op ran on another device than its tensors', and warns the first time.
void note_fallback(const OpRecord& op, Device from, Device to, const std::string& reason);
void reset_routing_stats();

struct RoutingEvent {
  std::string op;
  OpCall::Form form;
  Route route;
  int64_t size = 0, bytes_moved = 0;
  std::string lacked;  // the kernel that was missing, if it fell back at run time
};

class Router final : public Interceptor {
 public:
  static Router& of_thread();

  RoutingMode mode() const { return mode_; }
  void set_mode(RoutingMode mode);
  // Collects what happens, until set to another or none.
  void set_log(std::vector<RoutingEvent>* log);
  std::vector<RoutingEvent>* log() const { return log_; }

  void call(OpCall& call) override;

 private:
  Router() = default;
  void link();
  bool places() const { return mode_ == RoutingMode::Auto || mode_ == RoutingMode::Strict; }
  const RoutingTable& table();
  struct Plan {
    Route route;
    bool moves = false;   // inputs from elsewhere come to the route's device
    bool gather = false;  // all of them do, numbers too
  };
  // Runs the call on the route's device, and returns the bytes that were moved for it.
  int64_t follow(OpCall& call, const Plan& plan, const std::optional<Stream>& stream);
  void note(const OpCall& call, const Route& route, int64_t size, int64_t bytes,
            const std::string& lacked);

  RoutingMode mode_ = RoutingMode::Off;
  std::vector<RoutingEvent>* log_ = nullptr;
  std::shared_ptr<const RoutingTable> table_;
  uint64_t version_ = ~uint64_t{0};
};

// The device for a new tensor that is to live where ops on it run best.
Device place(DType dtype, int64_t size);

}  // namespace rt
