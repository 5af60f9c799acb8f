// Every op as a C++ function: forward, tape and routing included.
#pragma once

#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/conv.h"
#include "ops/complex.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/matmul.h"
#include "ops/join.h"
#include "ops/range.h"
#include "ops/random.h"
#include "ops/reduce.h"
#include "ops/split.h"
#include "ops/unary.h"
#include "ops/view.h"
