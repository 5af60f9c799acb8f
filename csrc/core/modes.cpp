#include "core/modes.h"

namespace rt {
thread_local constinit Modes t_modes;
}
