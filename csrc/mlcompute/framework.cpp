#include "mlcompute/framework.h"

namespace rt::mlcompute {

namespace {
// Global: set once, while the library loads.
Framework* g_framework = nullptr;
}  // namespace

void register_framework(Framework* framework) { g_framework = framework; }

Framework* system_framework(std::string* why_not) {
  if (!g_framework) {
    *why_not = "MLCompute is a framework of macOS, and this build is for another system";
    return nullptr;
  }
  return g_framework->available(why_not) ? g_framework : nullptr;
}

const char* name(Unit u) {
  static constexpr const char* names[] = {"any", "cpu", "gpu", "ane"};
  return names[static_cast<size_t>(u)];
}

Unit parse_unit(const std::string& text) {
  for (Unit u : {Unit::Any, Unit::Cpu, Unit::Gpu, Unit::NeuralEngine}) {
    if (text == name(u)) return u;
  }
  RT_FAIL(Value, "mlcompute", "there is no such device", text, "'any', 'cpu', 'gpu' or 'ane'");
}

}  // namespace rt::mlcompute
