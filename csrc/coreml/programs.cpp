#include "coreml/programs.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <complex>
#include <cstring>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "coreml/host.h"
#include "ops/elementwise.h"
#include "ops/ops.h"
#include "ops/router.h"

namespace rt::coreml {

namespace {

// ---- Statistics ----

// Global: of the process, as the device is.
struct Counters {
  std::atomic<int64_t> hits{0}, misses{0}, predictions{0}, nanoseconds{0}, retries{0}, refusals{0},
      copied{0}, on_host{0};
};
Counters g_count;
void count(std::atomic<int64_t>& counter, int64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

// ---- Profile ----

std::atomic<bool> g_profiling{false};

struct Profiles {
  std::mutex mutex;
  std::unordered_map<const OpRecord*, std::pair<int64_t, int64_t>> ops;
};
Profiles& profiles() {
  static auto& p = *new Profiles;
  return p;
}
int64_t nanoseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() -
                                                              start)
      .count();
}
void note_profile(const OpRecord& op, int64_t nanoseconds) {
  Profiles& p = profiles();
  std::lock_guard lock(p.mutex);
  auto& [calls, total] = p.ops[&op];
  ++calls;
  total += nanoseconds;
}

// ---- Programs in memory ----

struct Made {
  DType dtype;
  Dims sizes;
};
struct Entry {
  Compiled compiled;
  std::vector<Made> results;     // all in a row
  std::vector<int32_t> returns;  // one a result of the schema: -1 a tensor, n a list of n
};
using EntryRef = std::shared_ptr<const Entry>;

constexpr size_t kMaxPrograms = 2048;

struct Table {
  std::mutex mutex;
  std::unordered_map<std::string, EntryRef> entries;
  uint64_t generation = 0;
  Compiler compiler = nullptr;
  std::unordered_set<const OpRecord*> ops;
};
// Global: programs are loaded once a process. Leaked: threads may outlive static objects.
Table& table() {
  static auto& t = *new Table;
  return t;
}
// The locks are held for a moment, and never while another is taken; a fork waits for them.
void lock_all() {
  profiles().mutex.lock();
  table().mutex.lock();
}
void unlock_all() {
  table().mutex.unlock();
  profiles().mutex.unlock();
}
const int fork_handlers = pthread_atfork(&lock_all, &unlock_all, &unlock_all);

// ---- Keys ----

template <class T>
void put(std::string* key, const T& v) {
  key->append(reinterpret_cast<const char*>(&v), sizeof(v));
}
void put(std::string* key, const Tensor& t) {
  if (!t.defined()) return key->push_back('u');
  if (t.is_wrapped_number()) {  // part of the program
    key->push_back('n');
    put(key, t.dtype());
    key->append(static_cast<const char*>(t.data()), t.item_size());
    return;
  }
  key->push_back('t');
  put(key, t.dtype());
  put(key, t.dim());
  for (int64_t n : t.sizes()) put(key, n);
}
template <class T>
void put_all(std::string* key, const T& list) {
  put(key, list.size());
  for (const auto& v : list) put(key, v);
}
void put(std::string* key, const Value& v) {
  put(key, static_cast<uint8_t>(v.index()));
  struct Put {
    std::string* key;
    void operator()(std::monostate) const {}
    void operator()(const std::string& s) const {
      put(key, s.size());
      key->append(s);
    }
    void operator()(Device) const {}  // where it runs is given
    void operator()(const Dims& d) const { put_all(key, d); }
    void operator()(const std::vector<double>& d) const { put_all(key, d); }
    void operator()(const std::vector<Tensor>& l) const { put_all(key, l); }
    void operator()(const Ref<Generator>&) const {}  // calls with one are refused
    void operator()(const Tensor& t) const { put(key, t); }
    void operator()(bool x) const { put(key, x); }
    void operator()(int64_t x) const { put(key, x); }
    void operator()(double x) const { put(key, x); }
    void operator()(const std::complex<double>& x) const { put(key, x); }
    void operator()(DType x) const { put(key, x); }
  };
  std::visit(Put{key}, static_cast<const Value::variant&>(v));
}
std::string key_of(const OpRecord& op, const Value* args) {
  std::string key;
  put(&key, &op);
  for (size_t i = 0; i < op.schema.args.size(); ++i) put(&key, args[i]);
  return key;
}

// ---- One call ----

// Nobody sees what is computed here, and no history is made.
class Unseen {
 public:
  Unseen() : saved_(std::exchange(modes().interceptor, nullptr)) {}
  ~Unseen() { modes().interceptor = saved_; }
  Unseen(const Unseen&) = delete;

 private:
  Interceptor* saved_;
  NoGradGuard no_grad_;
};

bool is_input(const Tensor& t) { return t.defined() && !t.is_wrapped_number(); }

// Why Core ML cannot hold the values of these; empty if it can.
std::string out_of_reach(const Tensor& t) {
  switch (t.dtype()) {
    case DType::Float64:
      return "it would round float64";
    case DType::BFloat16:
      return "it has no bfloat16";
    case DType::Complex64:
    case DType::Complex128:
      return "it has no complex numbers";
    default:
      return {};
  }
}

bool within_32_bits(const Tensor& t) {
  const auto* p = t.data<int64_t>();
  int64_t out = 0;
  for (int64_t i = 0; i < t.numel(); ++i) out |= p[i] != static_cast<int32_t>(p[i]);
  return out == 0;
}

template <class F>
void map_tensors(const OpRecord& op, const Value* args, std::vector<Value>* to, F&& f) {
  for (size_t i = 0; i < op.schema.args.size(); ++i) {
    if (const auto* t = std::get_if<Tensor>(&args[i]); t && t->defined()) {
      to->emplace_back(f(*t));
    } else if (const auto* l = std::get_if<std::vector<Tensor>>(&args[i])) {
      std::vector<Tensor> mapped;
      for (const Tensor& t : *l) mapped.push_back(t.defined() ? f(t) : t);
      to->emplace_back(std::move(mapped));
    } else if (args[i].is<Device>()) {
      to->emplace_back(Device{});
    } else {
      to->push_back(args[i]);
    }
  }
}

// The results in a row; false if one of them is no tensor.
bool flatten(const OpRecord& op, const Value* returns, std::vector<Tensor>* all,
             std::vector<int32_t>* counts) {
  for (size_t i = 0; i < op.schema.returns.size(); ++i) {
    if (const auto* l = std::get_if<std::vector<Tensor>>(&returns[i])) {
      counts->push_back(static_cast<int32_t>(l->size()));
      for (const Tensor& t : *l) all->push_back(t);
    } else if (const Tensor& t = returns[i].tensor(); t.defined()) {
      counts->push_back(-1);
      all->push_back(t);
    } else {
      return false;
    }
  }
  return true;
}

// The call as a graph of one node, with the types of the results that the CPU gives.
Ref<graph::Graph> graph_of(const OpRecord& op, const Value* args,
                           const std::vector<Tensor>& results, const std::vector<int32_t>& counts) {
  auto g = make_ref<graph::Graph>();
  graph::Node node;
  node.op = &op;
  node.grad = false;
  node.counts = counts;
  int number = 0;
  const auto input = [&](const Tensor& t) -> graph::ValueId {
    if (!t.defined()) return graph::kNoValue;
    graph::TensorType type{t.dtype(), Device{}, Dims(t.sizes()), contiguous_strides(t.sizes())};
    return g->add_input(cat_str("x", number++), std::move(type));
  };
  for (size_t i = 0; i < op.schema.args.size(); ++i) {
    if (const auto* t = std::get_if<Tensor>(&args[i]); t && t->defined()) {
      if (is_input(*t)) {
        node.args.emplace_back(input(*t));
      } else {
        node.args.emplace_back(Value(Scalar::load(t->data(), t->dtype())));
      }
    } else if (const auto* l = std::get_if<std::vector<Tensor>>(&args[i])) {
      std::vector<graph::ValueId> ids;
      for (const Tensor& t : *l) ids.push_back(input(t));
      node.args.emplace_back(std::move(ids));
    } else if (args[i].is<Device>()) {
      node.args.emplace_back(Value(Device{}));
    } else {
      node.args.emplace_back(args[i]);
    }
  }
  std::vector<std::optional<graph::TensorType>> types;
  for (const Tensor& t : results) types.emplace_back(graph::type_of(t));
  const size_t at = g->add_node(std::move(node), types);
  for (graph::ValueId v : std::vector<graph::ValueId>(g->nodes()[at].outputs)) g->add_output(v);
  g->finish();
  return g;
}

// Makes a program of the call. It runs once on the CPU, on copies: which checks its arguments as
// everywhere, and says what comes out.
EntryRef compile(const OpRecord& op, const Value* args, Compiler compiler) {
  auto entry = std::make_shared<Entry>();
  std::vector<Value> copies;
  std::vector<Tensor> inputs;
  map_tensors(op, args, &copies, [&](const Tensor& t) {
    if (!is_input(t)) return t;
    inputs.push_back(ops::contiguous(ops::clone(host_alias(t))));
    return inputs.back();
  });
  std::vector<uint32_t> versions;
  for (const Tensor& t : inputs) versions.push_back(t.version());
  Value returns[OpRecord::kMaxReturns];
  op.boxed(op, copies.data(), returns);
  std::vector<Tensor> results;
  const bool whole = flatten(op, returns, &results, &entry->returns);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].version() != versions[i]) entry->compiled.lacks = "it writes into its arguments";
  }
  if (!whole || results.empty()) entry->compiled.lacks = "some of its results are absent";
  for (const Tensor& t : results) {
    entry->results.push_back({t.dtype(), Dims(t.sizes())});
    if (entry->compiled.lacks.empty()) entry->compiled.lacks = out_of_reach(t);
    if (t.numel() == 0) entry->compiled.lacks = "Core ML has no empty arrays";
  }
  if (!entry->compiled.lacks.empty()) return entry;
  const Ref<graph::Graph> graph = graph_of(op, args, results, entry->returns);
  entry->compiled = compiler(op, graph);
  return entry;
}

EntryRef find(const OpRecord& op, const Value* args) {
  const std::string key = key_of(op, args);
  Table& t = table();
  uint64_t generation;
  Compiler compiler;
  {
    std::lock_guard lock(t.mutex);
    if (const auto found = t.entries.find(key); found != t.entries.end()) {
      count(g_count.hits);
      return found->second;
    }
    generation = t.generation;
    compiler = t.compiler;
  }
  count(g_count.misses);
  EntryRef entry = compile(op, args, compiler);
  std::unordered_map<std::string, EntryRef> dropped;  // released without the lock
  std::lock_guard lock(t.mutex);
  if (t.generation == generation) {
    if (t.entries.size() >= kMaxPrograms) dropped.swap(t.entries);
    t.entries.emplace(key, entry);
  }
  return entry;
}

bool is_empty_call(const OpRecord& op, const Value* args) {
  bool empty = false;
  for_each_tensor_of(op, args, [&](const Tensor& t) { empty |= t.numel() == 0; });
  return empty;
}

// Indices may come from the host, as they do elsewhere.
void check_devices(const OpRecord& op, const std::vector<Tensor>& all) {
  if (op.schema.base_name.rfind("index", 0) != 0) common_device(op.name(), all);
}

void check_available(const OpRecord& op) {
  Executor* e = executor();
  std::string why = "there is no executor any more";
  RT_CHECK(e && e->available(&why), DeviceNotAvailable, op.name(),
           cat_str("device 'coreml' is not available: ", why), "", ".cpu() on the tensors");
}

// Whether values decide the size of what a call gives, or of what it takes from there: masks, and
// searches. A mask with one value for all of its places has a program.
bool is_sized_by_values(const OpRecord& op, const Value* args) {
  static const std::unordered_set<std::string> ops{
      "argwhere", "masked_scatter", "masked_select", "nonzero", "unique", "unique_consecutive"};
  const std::string& name = op.schema.base_name;
  if (ops.count(name)) return true;
  if (name != "index" && name != "index_put") return false;
  bool masked = false, one = false;
  for (size_t i = 0; i < op.schema.args.size(); ++i) {
    if (const auto* list = std::get_if<std::vector<Tensor>>(&args[i])) {
      for (const Tensor& t : *list) {
        masked |= t.defined() && (t.dtype() == DType::Bool || t.dtype() == DType::UInt8);
      }
    } else if (op.schema.args[i].name == "values") {
      one = args[i].tensor().dim() == 0;
    }
  }
  return masked && !one;
}

// An op that Core ML computes nothing of, where its tensors lie.
void run_on_host(const OpRecord& op, const Value* args, Value* returns) {
  count(g_count.on_host);
  std::vector<Value> there;
  map_tensors(op, args, &there, [](const Tensor& t) { return host_alias(t); });
  op.boxed(op, there.data(), returns);
  const Device device{DeviceType::CoreML, 0};
  for (size_t i = 0; i < op.schema.returns.size(); ++i) {
    if (auto* t = std::get_if<Tensor>(&returns[i]); t && t->defined()) {
      *t = ops::to(*t, device);
    } else if (auto* l = std::get_if<std::vector<Tensor>>(&returns[i])) {
      for (Tensor& item : *l) item = ops::to(item, device);
    }
  }
}

Tensor fed(const Tensor& t, const Feature& f) {
  Tensor host = host_alias(t);
  if (host.dtype() != f.dtype || !host.is_contiguous()) {
    count(g_count.copied, static_cast<int64_t>(host.nbytes()));
    host = ops::contiguous(host);
    RT_CHECK(host.dtype() != DType::Int64 || f.dtype != DType::Int32 || within_32_bits(host), Value,
             "coreml",
             cat_str("'", f.name, "' holds integers beyond 32 bits, which Core ML has not"),
             describe(t), ".cpu()");
    host = ops::to(host, f.dtype);
  }
  return make_view(host, f.sizes, contiguous_strides(f.sizes), host.offset());
}

void predict_again(Program& program, TensorList inputs, TensorList outputs) {
  constexpr int kAttempts = 3;
  for (int attempt = 1;; ++attempt) {
    try {
      return program.predict(inputs, outputs);
    } catch (const Failure& e) {
      if (e.failure() != FailureKind::InferenceFailed || attempt == kAttempts) throw;
      count(g_count.retries);
      std::this_thread::sleep_for(std::chrono::milliseconds(5 << attempt));
    }
  }
}

}  // namespace

void predict(Program& program, const Interface& interface, TensorList tensors, TensorList results) {
  RT_CHECK(tensors.size() == interface.inputs.size() && results.size() == interface.outputs.size(),
           Runtime, "coreml", "the program takes other arguments",
           cat_str(tensors.size(), " inputs and ", results.size(), " outputs"));
  Unseen unseen;
  std::vector<Tensor> inputs, outputs, direct;
  for (size_t i = 0; i < tensors.size(); ++i)
    inputs.push_back(fed(tensors[i], interface.inputs[i]));
  for (size_t i = 0; i < results.size(); ++i) {
    const Feature& f = interface.outputs[i];
    direct.push_back(host_alias(results[i]));
    outputs.push_back(
        direct[i].dtype() == f.dtype
            ? make_view(direct[i], f.sizes, contiguous_strides(f.sizes), direct[i].offset())
            : empty(f.sizes, f.dtype));
  }
  const auto start = std::chrono::steady_clock::now();
  predict_again(program, inputs, outputs);
  count(g_count.nanoseconds, nanoseconds_since(start));
  count(g_count.predictions);
  for (size_t i = 0; i < results.size(); ++i) {
    if (direct[i].dtype() == interface.outputs[i].dtype) continue;
    count(g_count.copied, static_cast<int64_t>(direct[i].nbytes()));
    const Tensor& to = direct[i];
    copy_kernel(to, to, make_view(outputs[i], to.sizes(), contiguous_strides(to.sizes()), 0));
  }
}

bool has_program(const OpRecord& op) {
  Table& t = table();
  std::lock_guard lock(t.mutex);
  return t.compiler && t.ops.count(&op) != 0;
}

bool run_sized_by_values(const OpRecord& op, const Value* args, Value* returns) {
  if (!is_sized_by_values(op, args) || Router::of_thread().mode() == RoutingMode::Strict)
    return false;
  std::vector<Tensor> all;
  Device device;
  for_each_tensor_of(op, args, [&](const Tensor& t) {
    all.push_back(t);
    if (!t.device().is_cpu()) device = t.device();
  });
  check_devices(op, all);
  check_available(op);
  note_fallback(op, device, Device{},
                "values decide sizes here, which programs of this engine have fixed");
  Unseen unseen;
  run_on_host(op, args, returns);
  return true;
}

bool run_program(const OpRecord& op, const Value* args, Value* returns, std::string* lacks) {
  std::vector<Tensor> all, inputs;
  Device device;
  std::string unfit;
  for_each_tensor_of(op, args, [&](const Tensor& t) {
    all.push_back(t);
    if (!t.device().is_cpu()) device = t.device();
    if (!is_input(t)) return;
    inputs.push_back(t);
    if (unfit.empty()) unfit = out_of_reach(t);
  });
  check_devices(op, all);
  if (!unfit.empty()) {
    *lacks = unfit;
    return false;
  }
  check_available(op);
  Unseen unseen;
  if (is_empty_call(op, args)) {
    run_on_host(op, args, returns);
    return true;
  }
  const EntryRef entry = find(op, args);
  if (!entry->compiled.program) {
    *lacks = entry->compiled.lacks;
    return false;
  }
  std::vector<Tensor> results;
  for (const Made& m : entry->results) results.push_back(empty(m.sizes, m.dtype, device));
  const auto start = std::chrono::steady_clock::now();
  predict(*entry->compiled.program, entry->compiled.interface, inputs, results);
  if (g_profiling.load(std::memory_order_relaxed)) note_profile(op, nanoseconds_since(start));
  size_t next = 0;
  for (size_t i = 0; i < entry->returns.size(); ++i) {
    if (entry->returns[i] < 0) {
      returns[i] = results[next++];
    } else {
      const auto n = static_cast<size_t>(entry->returns[i]);
      returns[i] = std::vector<Tensor>(results.begin() + static_cast<std::ptrdiff_t>(next),
                                       results.begin() + static_cast<std::ptrdiff_t>(next + n));
      next += n;
    }
  }
  return true;
}

void note_refusal() { count(g_count.refusals); }

void set_compiler(Compiler compiler, std::vector<const OpRecord*> ops) {
  Table& t = table();
  std::lock_guard lock(t.mutex);
  t.compiler = compiler;
  t.ops = {ops.begin(), ops.end()};
}

void forget_programs() {
  Table& t = table();
  std::unordered_map<std::string, EntryRef> dropped;
  std::lock_guard lock(t.mutex);
  dropped.swap(t.entries);
  ++t.generation;
}

EngineStats engine_stats() {
  EngineStats s;
  {
    Table& t = table();
    std::lock_guard lock(t.mutex);
    s.programs = static_cast<int64_t>(t.entries.size());
  }
  s.program_hits = g_count.hits;
  s.program_misses = g_count.misses;
  s.predictions = g_count.predictions;
  s.predict_ns = g_count.nanoseconds;
  s.retries = g_count.retries;
  s.refusals = g_count.refusals;
  s.copied_bytes = g_count.copied;
  s.on_host = g_count.on_host;
  return s;
}

void set_profiling(bool on) { g_profiling.store(on, std::memory_order_relaxed); }

std::vector<OpProfile> op_profiles() {
  Profiles& p = profiles();
  std::lock_guard lock(p.mutex);
  std::vector<OpProfile> all;
  for (const auto& [op, of] : p.ops) all.push_back({op->schema.name, of.first, of.second});
  return all;
}

void reset_engine_stats() {
  {
    std::lock_guard lock(profiles().mutex);
    profiles().ops.clear();
  }
  for (auto* c : {&g_count.hits, &g_count.misses, &g_count.predictions, &g_count.nanoseconds,
                  &g_count.retries, &g_count.refusals, &g_count.copied, &g_count.on_host}) {
    c->store(0, std::memory_order_relaxed);
  }
}

}  // namespace rt::coreml
