// A recorded computation in SSA form: every value is made once, by an input, a tensor or a node,
// and nodes stand in the order in which they run. Memory has no place in it: what was written in
// place is a new value here.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

#include "core/intrusive.h"
#include "ops/record.h"

namespace rt::graph {

using ValueId = int32_t;
inline constexpr ValueId kNoValue = -1;  // an absent tensor

enum class ValueKind : uint8_t { Input, Parameter, Buffer, Constant, Result };
const char* name(ValueKind kind);

struct TensorType {
  DType dtype = DType::Float32;
  Device device;
  Dims sizes, strides;  // as they were recorded; a run may have other strides
};
TensorType type_of(const Tensor& t);

struct Value {
  ValueKind kind = ValueKind::Result;
  TensorType type;
  std::string name;
  Tensor tensor;      // of parameters, buffers and constants
  int32_t node = -1;  // of results: where they are made
};

// What an argument of a node is: a number, a list of sizes and the like; one value; or a list of
// values. A number may stand where the schema says Operand.
using Argument = std::variant<rt::Value, ValueId, std::vector<ValueId>>;

enum class NodeForm : uint8_t {
  Plain,    // the op itself
  Write,    // an op that writes into arguments: it gets copies, which are further results
  Scatter,  // input with `src` written into the window that the op, a view, gives of it
};

struct Node {
  const OpRecord* op = nullptr;
  NodeForm form = NodeForm::Plain;
  bool grad = true;            // false: recorded under no_grad()
  bool random = false;         // it draws numbers: every run gives others
  std::vector<Argument> args;  // one an argument of the schema
  // Scatter: what is written, and into which of the op's results.
  ValueId src = kNoValue;
  int32_t part = 0;
  std::vector<uint32_t> writes;  // Write: the arguments that are written
  std::vector<int32_t> counts;   // one a result of the schema: -1 a tensor, n a list of n
  std::vector<ValueId> outputs;  // all results in a row, then the written values
  std::string location;          // the user's "file:line", where it is known

  std::string op_name() const;
};

// After a run `value` is copied into `target`: an input, parameter, buffer or constant that the
// recorded function wrote.
struct Mutation {
  ValueId target, value;
};

template <class F>
void for_each_input(const Node& n, F&& f) {
  for (const Argument& a : n.args) {
    if (const auto* one = std::get_if<ValueId>(&a)) {
      if (*one != kNoValue) f(*one);
    } else if (const auto* list = std::get_if<std::vector<ValueId>>(&a)) {
      for (ValueId v : *list) {
        if (v != kNoValue) f(v);
      }
    }
  }
  if (n.src != kNoValue) f(n.src);
}

// Constant once it is built; passes make new ones.
class Graph final : public RefCounted {
 public:
  // ---- Building, in order ----
  ValueId add_input(std::string name, TensorType type);
  ValueId add_tensor(ValueKind kind, std::string name, Tensor tensor);
  // The node's outputs are made here, of these types; kNoValue-typed ones are absent tensors.
  // Everything is checked against the op's schema: an error names what does not fit.
  size_t add_node(Node node, std::span<const std::optional<TensorType>> types);
  void add_output(ValueId v);
  void add_mutation(ValueId target, ValueId value);
  // After the last addition: which values a run may let go of, and where.
  void finish();

  const std::vector<Value>& values() const { return values_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<ValueId>& inputs() const { return inputs_; }
  const std::vector<ValueId>& outputs() const { return outputs_; }
  const std::vector<Mutation>& mutations() const { return mutations_; }
  const Value& value(ValueId v) const { return values_[static_cast<size_t>(v)]; }
  // The parameters, buffers and constants.
  const std::vector<ValueId>& tensors() const { return tensors_; }
  const std::vector<ValueId>& last_uses(size_t node) const { return last_uses_[node]; }
  void set_tensor(ValueId v, Tensor t) { values_[static_cast<size_t>(v)].tensor = std::move(t); }
  void set_kind(ValueId v, ValueKind k) { values_[static_cast<size_t>(v)].kind = k; }

 private:
  void check_value(ValueId v, const char* what) const;
  void check_node(const Node& node) const;
  ValueId add(Value v);
  std::string free_name(std::string wanted);

  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::vector<ValueId> inputs_, outputs_, tensors_;
  std::vector<Mutation> mutations_;
  std::vector<std::vector<ValueId>> last_uses_;
  std::unordered_set<std::string> names_;
  size_t next_constant_ = 0;
};

bool operator==(const TensorType& a, const TensorType& b);
// The same nodes on the same inputs, and equal tensors; where it was recorded does not matter.
bool same_graph(const Graph& a, const Graph& b);
// Whether two tensors are the same bytes of the same type.
bool same_bytes(const Tensor& a, const Tensor& b);
bool same_argument(const Argument& a, const Argument& b);
bool same_attribute(const rt::Value& a, const rt::Value& b);
std::string to_string(const Graph& g);

// Runs the graph. `tensors` stand for g.tensors(), in that order; those of the graph where empty.
std::vector<Tensor> run(const Graph& g, std::span<const Tensor> inputs,
                        std::span<const Tensor> tensors = {});
// One node on given tensors; appends what it gives.
void run_node(const Node& n, std::span<const Tensor> values, std::vector<Tensor>* results);

// ---- Passes ----
Ref<Graph> eliminate_dead_code(const Graph& g);
// Nodes whose inputs are all constants become constants, unless they make more than `max_bytes`.
Ref<Graph> fold_constants(const Graph& g, int64_t max_bytes);
Ref<Graph> merge_common_subexpressions(const Graph& g);

}  // namespace rt::graph
