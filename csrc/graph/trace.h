// Recording what a thread runs into a graph.
#pragma once

#include <deque>
#include <functional>
#include <unordered_map>
#include <unordered_set>

#include "graph/graph.h"

namespace rt::graph {

// What a tensor that was seen while recording stands for. Tensors that share memory form a tree:
// the first one seen is the root, every other is made from its parent by a node. A write makes a
// new value of the root, and the others are made again from it when they are next read.
struct Memory;
struct Seen {
  Tensor tensor;  // held, so that its address stays its own
  TensorType type;
  int64_t offset = 0;
  Memory* memory = nullptr;
  ValueId value = kNoValue;
  uint64_t written = 0;  // the memory's count of writes that `value` knows of
  Seen* parent = nullptr;
  // How it is made from its parent, whose place among the arguments is `place`.
  Node maker;
  std::pair<size_t, size_t> place{0, 0};  // argument, item of its list
  size_t part = 0;                        // which result
};
struct Memory {
  Ref<Storage> storage;
  Seen* root = nullptr;
  uint64_t written = 0;
  ValueId origin = kNoValue;  // the input or tensor that it was at first
  bool made_inside = false;   // the tensor did not exist before the recording
  std::vector<Seen*> seen;
};

// While it lives, ops of this thread are recorded. One a thread.
class Tracer final : public Interceptor {
 public:
  Tracer();
  ~Tracer() override;
  Tracer(const Tracer&) = delete;

  ValueId add_input(const Tensor& t, std::string name);
  ValueId add_tensor(ValueKind kind, const Tensor& t, std::string name);
  void add_output(const Tensor& t) { outputs_.push_back(read(t)); }
  Ref<Graph> finish();

  void call(OpCall& call) override;

  // For graphs that are recorded anew: a tensor as a value of its own, a node as it is, an op as
  // what it calls.
  void see(const Tensor& t, ValueId value) { see_root(t, value); }
  bool knows(const Tensor& t) { return find(t) != nullptr; }
  ValueId read(const Tensor& t);
  const Node& copy_node(Node node, std::span<const std::optional<TensorType>> types);
  void run_inside(const OpRecord& op, const rt::Value* args, rt::Value* returns, bool grad);
  void add_output(ValueId v) { outputs_.push_back(v); }
  void add_mutation(Mutation m) { mutations_.push_back(m); }

  // A number is read out of a tensor: it stays what it is now.
  void note_read(const Tensor& t, const char* what);
  // A tensor made of data, not by an op.
  void note_made(const Tensor& t);
  void warn(const std::string& message) const;

 private:
  ValueId add_node(Node node, std::span<const std::optional<TensorType>> types);
  Seen* find(const Tensor& t);
  Seen* add_seen(const Tensor& t, Memory* memory, ValueId value);
  Seen* see_root(const Tensor& t, ValueId value);
  Seen* see_part(const Tensor& t, Seen* parent, Node maker, std::pair<size_t, size_t> place,
                 size_t part, ValueId value);
  Seen* capture(const Tensor& t);
  ValueId current(Seen& s);
  // `grad`: the write itself is differentiated; else the history of what was written stays.
  void write(Seen& s, ValueId value, bool grad);
  ValueId scatter(const Seen& s, ValueId base, ValueId src);
  void before_write(const Tensor& t);
  bool carries(ValueId v) const { return carries_[static_cast<size_t>(v)]; }

  Argument read_argument(const OpRecord& op, size_t i, const rt::Value& v);
  Node make_node(const OpRecord& op, const rt::Value* args);
  void set_results(Node* node, const rt::Value* returns,
                   std::vector<std::optional<TensorType>>* types) const;
  ValueId add_plain(Node node, const TensorType& type, DType wanted);
  void call_plain(OpCall& call);
  void call_inplace(OpCall& call);
  void call_inplace_view(OpCall& call);
  void call_out(OpCall& call);
  void note_results(const Node& node, const OpCall& call);
  void run_watched(OpCall& call, Node* node);

  Ref<Graph> graph_ = make_ref<Graph>();
  std::deque<Seen> seen_;
  std::deque<Memory> memories_;
  std::unordered_map<const TensorImpl*, Seen*> by_tensor_;
  std::unordered_map<const Storage*, Memory*> by_storage_;
  std::vector<bool> depends_;  // of values: on inputs, parameters or buffers
  std::vector<bool> carries_;  // of values: a gradient may flow through them
  std::vector<ValueId> outputs_;
  std::vector<Mutation> mutations_;
  std::optional<bool> grad_;  // what nodes are marked with; else the mode of the thread
  bool grad_at_start_;
};

// As run_node(), with what the op calls recorded in its place.
void run_node_inside(Tracer& tracer, const Node& n, std::span<const rt::Value> values,
                     std::vector<rt::Value>* results);

// The recording of this thread, or null.
Tracer* tracer();

// What the bindings tell a recording, if there is one.
inline void note_read(const Tensor& t, const char* what) {
  if (modes().interceptor) [[unlikely]] {
    if (Tracer* r = tracer()) r->note_read(t, what);
  }
}
inline void note_made(const Tensor& t) {
  if (modes().interceptor) [[unlikely]] {
    if (Tracer* r = tracer()) r->note_made(t);
  }
}
inline void note_unrecorded(const char* what) {
  if (modes().interceptor) [[unlikely]] {
    if (Tracer* r = tracer()) r->warn(what);
  }
}

// Who shows warnings, and who knows the user's line. Global: set once, when the bindings are
// loaded.
void set_trace_hooks(void (*warning)(const std::string& message), std::string (*location)());

// The graph with composites of these names taken apart, recorded anew on numbers made up from the
// inputs' types.
Ref<Graph> decompose(const Graph& g, const std::unordered_set<std::string>& names,
                     std::span<const Tensor> inputs);

}  // namespace rt::graph
