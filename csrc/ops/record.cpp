#include "ops/record.h"

#include <algorithm>
#include <memory>
#include <sstream>
#include <unordered_map>

namespace rt {

namespace {

struct Registry {
  std::vector<std::unique_ptr<OpRecord>> owned;
  std::vector<const OpRecord*> list;
  std::unordered_map<std::string, const OpRecord*> by_name;
};

// Global: op records are static objects of the program, registered while it loads.
Registry& registry() {
  static Registry r;
  return r;
}

std::vector<std::string> words(const char* text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string w; in >> w;) out.push_back(w);
  return out;
}

void check_types(const Schema& s, std::span<const ArgKind> kinds, std::span<const bool> optionals) {
  RT_CHECK(kinds.size() == s.args.size(), Type, s.name,
           cat_str("the schema has ", s.args.size(), " arguments, the function ", kinds.size()));
  for (size_t i = 0; i < kinds.size(); ++i) {
    const Argument& a = s.args[i];
    const bool none_ok =
        optionals[i] || kinds[i] == ArgKind::Tensor || kinds[i] == ArgKind::Generator;
    RT_CHECK(kinds[i] == a.kind && (none_ok || !a.optional), Type, s.name,
             cat_str("argument '", a.name, "' has another C++ type than its schema says"), a.type);
  }
}

constexpr size_t kMaxArgs = 32;

}  // namespace

const std::vector<const OpRecord*>& all_ops() { return registry().list; }

const OpRecord* find_op(std::string_view name) {
  const auto& map = registry().by_name;
  const auto it = map.find(std::string(name));
  return it == map.end() ? nullptr : it->second;
}

OpRecord* detail::register_op(const char* schema, OpSpec spec, std::span<const ArgKind> kinds,
                              std::span<const bool> optionals) {
  auto r = std::make_unique<OpRecord>();
  r->schema = parse_schema(schema);
  r->spec = spec;
  r->kernels.assign(spec.kernels.begin(), spec.kernels.end());
  r->namespaces = words(spec.in);
  r->aliases = words(spec.aliases);
  check_types(r->schema, kinds, optionals);
  // The callers keep both in arrays of fixed size, and saved arguments as the bits of a word.
  RT_CHECK(r->schema.args.size() <= kMaxArgs && r->schema.returns.size() <= OpRecord::kMaxReturns,
           Value, r->schema.name,
           cat_str("an op has at most ", kMaxArgs, " arguments and ", OpRecord::kMaxReturns,
                   " results"));
  r->saved_for.resize(r->schema.args.size());
  for (const std::string& entry : words(spec.saves)) {
    const size_t slash = std::min(entry.find('/'), entry.size());
    const std::string w = entry.substr(0, slash);
    const int arg = r->schema.index_of(w);
    if (arg >= 0) {
      r->saved_args |= 1u << arg;
      if (slash == entry.size()) continue;
      const int reader = r->schema.index_of(entry.substr(slash + 1));
      RT_CHECK(reader >= 0, Value, r->schema.name, cat_str("saves '", entry, "'"));
      r->saved_for[static_cast<size_t>(arg)] |= 1u << reader;
      continue;
    }
    bool found = false;
    for (size_t i = 0; i < r->schema.returns.size(); ++i) {
      const std::string& name = r->schema.returns[i].name;
      if (w == name || (name.empty() && w == "result")) {
        r->saved_returns |= 1u << i;
        found = true;
      }
    }
    RT_CHECK(found, Value, r->schema.name,
             cat_str("saves '", w, "', which is no argument or result"));
  }
  Registry& reg = registry();
  RT_CHECK(reg.by_name.emplace(r->schema.name, r.get()).second, Value, r->schema.name,
           "an op of this name is registered already");
  reg.list.push_back(r.get());
  reg.owned.push_back(std::move(r));
  return reg.owned.back().get();
}

}  // namespace rt
