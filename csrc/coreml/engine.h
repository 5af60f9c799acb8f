// The device "coreml": tensors in host memory, ops as programs that an Executor runs.
#pragma once

#include "coreml/executor.h"
#include "graph/graph.h"

namespace rt::coreml {

// What became of an op in its graph of one node.
struct Compiled {
  Ref<Program> program;  // null: there is none, and `lacks` says why
  Interface interface;
  std::string lacks;
};
// Makes a program of a graph, whose inputs and outputs are those of the program, in order. Throws
// for what concerns more than this op.
using Compiler = Compiled (*)(const OpRecord& op, const Ref<graph::Graph>& graph);
// The compiler, and the ops that it has something for. `load` is called when both are first needed.
void set_compiler_loader(void (*load)());
void set_compiler(Compiler compiler, std::vector<const OpRecord*> ops);

// Programs in memory. What compiles differently from now on makes them worthless.
void forget_programs();

struct EngineStats {
  int64_t programs = 0;      // in memory
  int64_t program_hits = 0;  // calls whose program was there
  int64_t program_misses = 0;
  int64_t predictions = 0;
  int64_t predict_ns = 0;
  int64_t retries = 0;       // predictions that failed and were made again
  int64_t refusals = 0;      // calls that Core ML has nothing for
  int64_t copied_bytes = 0;  // of inputs and results that had to be converted or made contiguous
  int64_t on_host = 0;  // calls on empty tensors, and with results of a size that values decide
};
EngineStats engine_stats();
// Calls and nanoseconds by op, while it is on.
struct OpProfile {
  std::string op;
  int64_t calls, nanoseconds;
};
void set_profiling(bool on);
std::vector<OpProfile> op_profiles();
void reset_engine_stats();

// One prediction, with retries, its time counted: what ops and whole graphs have in common.
// `tensors` of any dtype and layout, in host memory of the CPU or of "coreml"; `results`
// (contiguous) are filled.
void predict(Program& program, const Interface& interface, TensorList tensors, TensorList results);

}  // namespace rt::coreml
