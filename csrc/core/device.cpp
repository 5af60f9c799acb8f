#include "core/device.h"

#include <array>
#include <cstring>

#include "core/current_device.h"
#include "core/error.h"

namespace rt {

namespace {
constexpr const char* kNames[kNumDeviceTypes] = {"cpu",      "metal",  "cuda",
                                                 "emulator", "coreml", "mlcompute"};
// Global: engines are static objects of the program, registered while it loads.
std::array<Engine*, kNumDeviceTypes> g_engines{};
// As PyTorch has it: each thread chooses for itself.
thread_local constinit std::array<int8_t, kNumDeviceTypes> t_current{};
}  // namespace

int8_t current_index(DeviceType type) { return t_current[static_cast<size_t>(type)]; }
void set_current_index(DeviceType type, int8_t index) {
  t_current[static_cast<size_t>(type)] = index;
}

const char* name(DeviceType t) { return kNames[static_cast<int>(t)]; }

std::string to_string(Device d) {
  std::string s = name(d.type);
  if (d.index != 0 || d.type == DeviceType::CUDA) s += ":" + std::to_string(d.index);
  return s;
}

Device parse_device(std::string_view s) {
  const size_t colon = s.find(':');
  const std::string_view given = s.substr(0, colon);
  const std::string_view type = given == "mps" ? "metal" : given;  // PyTorch's name of Apple's GPUs
  int index = 0;
  if (colon != std::string_view::npos) {
    const std::string_view digits = s.substr(colon + 1);
    bool ok = !digits.empty() && digits.size() <= 2;
    for (char c : digits) ok = ok && c >= '0' && c <= '9';
    RT_CHECK(ok, Runtime, "device", "the device index is not a number", cat_str("'", s, "'"),
             "'cuda:1'");
    for (char c : digits) index = index * 10 + (c - '0');
  }
  for (int i = 0; i < kNumDeviceTypes; ++i) {
    if (type != kNames[i]) continue;
    const auto known = static_cast<DeviceType>(i);
    if (colon == std::string_view::npos) return {known, current_index(known)};
    return {known, static_cast<int8_t>(index)};
  }
  RT_FAIL(Runtime, "device", "unknown device", cat_str("'", s, "'"),
          "'cpu', 'metal', 'cuda', 'emulator', 'coreml' or 'mlcompute'");
}

void register_engine(DeviceType type, Engine* engine) {
  g_engines[static_cast<int>(type)] = engine;
}

Engine* find_engine(DeviceType type) { return g_engines[static_cast<int>(type)]; }

void load_engines() {
  static const bool once = [] {
    for (Engine* engine : g_engines) {
      if (engine) engine->load_kernels();
    }
    return true;
  }();
  (void)once;
}

Engine& engine_for(Device device, const char* op) {
  Engine* engine = find_engine(device.type);
  RT_CHECK(engine != nullptr, DeviceNotAvailable, op,
           cat_str("device '", to_string(device), "' is not part of this build"), "",
           "device='cpu'; rustorch.devices() lists what there is");
  std::string why;
  RT_CHECK(engine->available(&why), DeviceNotAvailable, op,
           cat_str("device '", to_string(device), "' is not available: ", why), "",
           "device='cpu'; rustorch.devices() lists what there is");
  RT_CHECK(device.index < engine->device_count(), DeviceNotAvailable, op,
           cat_str("there is no device '", to_string(device), "'"),
           cat_str(engine->device_count(), " device(s) of this type"));
  return *engine;
}

}  // namespace rt
