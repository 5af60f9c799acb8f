#include "cpu/cpu_limits.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

namespace rt::cpu {

namespace {

#ifdef __linux__
std::string read_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  std::string text;
  if (!file) return text;
  char buffer[1024];
  size_t n;
  while ((n = std::fread(buffer, 1, sizeof buffer, file.get())) > 0) text.append(buffer, n);
  return text;
}

// CPUs granted by one group, or 0 where it sets no limit.
double group_quota(const std::string& dir, bool version2) {
  double quota = 0, period = 0;
  if (version2) {
    // "max 100000" sets no limit and does not parse as two numbers.
    if (std::sscanf(read_file(dir + "/cpu.max").c_str(), "%lf %lf", &quota, &period) != 2) return 0;
  } else {
    if (std::sscanf(read_file(dir + "/cpu.cfs_quota_us").c_str(), "%lf", &quota) != 1) return 0;
    if (std::sscanf(read_file(dir + "/cpu.cfs_period_us").c_str(), "%lf", &period) != 1) return 0;
  }
  return quota > 0 && period > 0 ? quota / period : 0;
}

// Bytes granted by one group, or 0 where it sets no limit (version 1 writes about 2^63 for none).
double group_memory(const std::string& dir, bool version2) {
  double bytes = 0;
  const char* file = version2 ? "/memory.max" : "/memory.limit_in_bytes";
  if (std::sscanf(read_file(dir + file).c_str(), "%lf", &bytes) != 1) return 0;
  return bytes < 1e18 ? bytes : 0;
}

using GroupLimit = double (*)(const std::string& dir, bool version2);

void tighten(double* tightest, double limit) {
  if (limit > 0 && (*tightest == 0 || limit < *tightest)) *tightest = limit;
}

// The tightest limit between the group at `path` below `root` and the root itself: a limit on an
// ancestor binds too, and inside a container the path may not exist below its own mount.
double tightest_between(GroupLimit limit, const std::string& root, std::string path,
                        bool version2) {
  double tightest = 0;
  for (;;) {
    tighten(&tightest, limit(root + path, version2));
    if (path.empty()) return tightest;
    const size_t slash = path.rfind('/');
    path.erase(slash == std::string::npos ? 0 : slash);
  }
}

// `controller`: "cpu" or "memory".
double control_group_limit(const std::string& controller, GroupLimit limit) {
  double tightest = 0;
  const std::string groups = read_file("/proc/self/cgroup");
  // Each line is "hierarchy:controllers:path"; version 2 has the one with no controllers.
  for (size_t at = 0; at < groups.size();) {
    const size_t line_end = std::min(groups.find('\n', at), groups.size());
    const std::string line = groups.substr(at, line_end - at);
    at = line_end + 1;
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string controllers(",");
    controllers.append(line, first + 1, second - first - 1).push_back(',');
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    if (controllers == ",,") {
      tighten(&tightest, tightest_between(limit, "/sys/fs/cgroup", path, true));
    } else if (controllers.find("," + controller + ",") != std::string::npos) {
      tighten(&tightest, tightest_between(limit, "/sys/fs/cgroup/" + controller, path, false));
    }
  }
  return tightest;
}
#endif

int visible_cpus() {
#ifdef __linux__
  // A fixed cpu_set_t holds 1024 CPUs; the call fails on larger machines, where the set is grown.
  for (size_t cpus = 1024; cpus <= (size_t{1} << 20); cpus *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(CPU_ALLOC(cpus),
                                                               [](cpu_set_t* s) { CPU_FREE(s); });
    const size_t bytes = CPU_ALLOC_SIZE(cpus);
    if (sched_getaffinity(0, bytes, set.get()) == 0) return CPU_COUNT_S(bytes, set.get());
  }
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

// The positive number at the start of a variable ("4,2" is OpenMP's list by nesting level), or 0.
int variable(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return 0;
  const long value = std::strtol(text, nullptr, 10);
  return value > 0 ? static_cast<int>(std::min<long>(value, 1 << 16)) : 0;
}

}  // namespace

int default_num_threads() {
  int n = std::max(visible_cpus(), 1);
#ifdef __linux__
  const double quota = control_group_limit("cpu", &group_quota);
  if (quota > 0) n = std::min(n, static_cast<int>(std::ceil(quota)));
#endif
  for (const char* name : {"OMP_NUM_THREADS", "RUSTORCH_NUM_THREADS"}) {
    if (const int limit = variable(name)) n = std::min(n, limit);
  }
  return std::max(n, 1);
}

int64_t control_group_memory() {
#ifdef __linux__
  return static_cast<int64_t>(control_group_limit("memory", &group_memory));
#else
  return 0;
#endif
}

}  // namespace rt::cpu
