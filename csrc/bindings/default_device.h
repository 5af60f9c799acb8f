// The device of tensors that are made without one, and "auto": where the selector puts them. Both
// are settings of the thread.
#pragma once

#include <optional>

#include "bindings/python.h"

namespace rt::py {

// Stands for "auto" until the size and dtype of the tensor are known.
inline constexpr Device kAutoDevice{DeviceType::CPU, -1};
inline bool is_auto(Device d) { return d == kAutoDevice; }
std::string device_text(Device d);  // to_string, which does not know "auto"
bool is_auto_device(PyObject* o);   // "auto", or device("auto")
Device to_device_or_auto(PyObject* o);

// Puts the thread's default device where a function that makes tensors was given none, and a real
// device where "auto" stands. `at`: the index of the device argument.
void settle_device(const OpRecord& op, Value* args, int at);

// `with rt.device("emulator"):`
void push_default_device(Device d);
void pop_default_device();

// While it lives, tensors are made on the CPU where nobody says otherwise.
class HostDefault {
 public:
  HostDefault();
  ~HostDefault();
  HostDefault(const HostDefault&) = delete;

 private:
  std::optional<Device> saved_;
};

void init_default_device(PyObject* module);
void init_routing(PyObject* module);

}  // namespace rt::py
