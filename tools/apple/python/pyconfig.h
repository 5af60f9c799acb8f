// For `-isystem` before the include folder of a Linux CPython of the same minor version: its
// pyconfig.h, with what differs on macOS arm64 put right.
#pragma once
#include_next <pyconfig.h>
#undef SIZEOF_LONG_DOUBLE
#define SIZEOF_LONG_DOUBLE 8
#undef ALIGNOF_MAX_ALIGN_T
#define ALIGNOF_MAX_ALIGN_T 8
#undef SIZEOF_PTHREAD_KEY_T
#define SIZEOF_PTHREAD_KEY_T 8
#undef PTHREAD_KEY_T_IS_COMPATIBLE_WITH_INT
#undef HAVE_SYS_RANDOM_H
#undef HAVE_STD_ATOMIC
#define HAVE_STD_ATOMIC 1
