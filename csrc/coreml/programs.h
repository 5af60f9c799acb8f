// Calls of ops as programs: found by what they compute, made on first need, run.
#pragma once

#include "coreml/engine.h"

namespace rt::coreml {

// Whether the compiler has something for the op at all.
bool has_program(const OpRecord& op);

// Runs the call as a program. False, with the reason, where there is none for it.
bool run_program(const OpRecord& op, const Value* args, Value* returns, std::string* lacks);

// Runs a call whose result has a size that values decide, which no program has, in the memory of
// the host; that is counted as a fallback to the CPU. False for other calls, and where routing is
// strict.
bool run_sized_by_values(const OpRecord& op, const Value* args, Value* returns);

void note_refusal();
// Ops are looked at from now on: an executor is in use.
void use_whole_ops();

}  // namespace rt::coreml
