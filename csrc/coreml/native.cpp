#include "coreml/native.h"

namespace rt::coreml {

namespace {
// Global: set once, while the library loads.
NativeModels* g_models = nullptr;
}  // namespace

void register_native_models(NativeModels* models) { g_models = models; }

NativeModels* native_models(std::string* why_not) {
  if (!g_models) {
    *why_not = "this build has no connection to Core ML";
    return nullptr;
  }
  return g_models->available(why_not) ? g_models : nullptr;
}

}  // namespace rt::coreml
