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

// What a value is in a run. Recorded graphs hold tensors; scripted ones numbers and lists as well.
enum class TypeKind : uint8_t {
  Tensor,
  Int,
  Float,
  Bool,
  Number,  // an int, float or bool
  Str,
  DType,
  Device,
  Tensors,  // lists of any length
  Ints,
  Floats,
};
const char* name(TypeKind kind);
std::optional<TypeKind> type_kind(std::string_view name);

struct TensorType {
  DType dtype = DType::Float32;
  Device device;
  Dims sizes, strides;  // as they were recorded; a run may have other strides
  TypeKind kind = TypeKind::Tensor;
  bool optional = false;  // it may be None
  bool known = true;      // of tensors: dtype, device and sizes were recorded
};
// A value of this kind of which nothing else is known.
TensorType any_of(TypeKind kind, bool optional = false);
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
  Inplace,  // the op's in-place form: the first argument is written, and is the result
  If,       // one of two blocks: arguments are the condition and what the blocks are given
  Loop,     // a block again and again: trips (or None), condition, what is carried, what is given
};
inline bool is_control(NodeForm f) { return f == NodeForm::If || f == NodeForm::Loop; }

class Graph;
// In Node::counts, a list, or a result that is no tensor, as one value.
inline constexpr int32_t kWhole = -2;

struct Node {
  const OpRecord* op = nullptr;  // null where there are blocks
  NodeForm form = NodeForm::Plain;
  bool grad = true;            // false: recorded under no_grad()
  bool random = false;         // it draws numbers: every run gives others
  std::vector<Argument> args;  // one an argument of the schema
  // If: taken where the condition holds, and where it does not; their inputs are the arguments
  // after the condition. Loop: the body, from (turn, carried..., given...) to (go on, carried...).
  // A block sees nothing but its inputs and its own constants.
  std::vector<Ref<Graph>> blocks;
  // Scatter: what is written, and into which of the op's results.
  ValueId src = kNoValue;
  int32_t part = 0;
  std::vector<uint32_t> writes;  // Write: the arguments that are written
  std::vector<int32_t> counts;   // one a result of the schema: -1 a tensor, n a list of n, kWhole
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
  // Puts the inputs in another order: the one that stands at order[i] comes i-th.
  void order_inputs(std::span<const size_t> order);
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
  // How deep blocks lie inside of blocks: 0 without any.
  int depth() const { return depth_; }
  // Whether a node, or one in a block, writes a tensor, or writes, prints or raises.
  bool has_writes() const { return has_writes_; }
  bool has_effects() const { return has_effects_; }
  void set_kind(ValueId v, ValueKind k) { values_[static_cast<size_t>(v)].kind = k; }

 private:
  void check_value(ValueId v, const char* what) const;
  void check_node(const Node& node) const;
  void check_results(const Node& node) const;
  void check_blocks(const Node& node, std::span<const std::optional<TensorType>> types) const;
  ValueId add(Value v);
  std::string free_name(std::string wanted);

  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::vector<ValueId> inputs_, outputs_, tensors_;
  std::vector<Mutation> mutations_;
  std::vector<std::vector<ValueId>> last_uses_;
  std::unordered_set<std::string> names_;
  size_t next_constant_ = 0;
  int depth_ = 0;
  bool has_writes_ = false, has_effects_ = false, finished_ = false;
};

bool operator==(const TensorType& a, const TensorType& b);
// The same nodes on the same inputs, and equal tensors; where it was recorded does not matter.
bool same_graph(const Graph& a, const Graph& b);
// Whether two tensors are the same bytes of the same type.
bool same_bytes(const Tensor& a, const Tensor& b);
bool same_argument(const Argument& a, const Argument& b);
// Whether the schema's argument takes this attribute.
bool takes(const rt::Argument& a, const rt::Value& v);
bool same_attribute(const rt::Value& a, const rt::Value& b);
std::string to_string(const Graph& g);

// Runs the graph. `tensors` stand for g.tensors(), in that order; those of the graph where empty.
std::vector<Tensor> run(const Graph& g, std::span<const Tensor> inputs,
                        std::span<const Tensor> tensors = {});
// The same with numbers and lists among the inputs and results.
std::vector<rt::Value> run_values(const Graph& g, std::span<const rt::Value> inputs,
                                  std::span<const Tensor> tensors = {});
// One node on given values; appends what it gives.
void run_node(const Node& n, std::span<const rt::Value> values, std::vector<rt::Value>* results);

// ---- What scripts need besides the ops: numbers, lists, sizes, print, raise ----
// They are found by name, "script.add", and are in no registry: only graphs call them.
const OpRecord* find_script_op(std::string_view name);
bool is_script_op(const OpRecord& op);
bool has_effects(const OpRecord& op);
// What scripts ask of Python: print(value, end=end); raise the built-in exception of this name;
// raise what a signal's handler raised. Set once, when the bindings are loaded.
struct ScriptHooks {
  void (*print)(const rt::Value& value, const std::string& end) = nullptr;
  void (*raise)(const std::string& kind, const std::string& message) = nullptr;
  void (*interrupt)() = nullptr;
};
ScriptHooks& script_hooks();

// ---- Passes ----
Ref<Graph> eliminate_dead_code(const Graph& g);
// Nodes whose inputs are all constants become constants, unless they make more than `max_bytes`.
Ref<Graph> fold_constants(const Graph& g, int64_t max_bytes);
Ref<Graph> merge_common_subexpressions(const Graph& g);

}  // namespace rt::graph
