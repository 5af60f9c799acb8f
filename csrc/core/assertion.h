// Errors that PyTorch raises as AssertionError: broken assumptions about arguments of layers.
#pragma once

#include "core/error.h"

namespace rt {

class AssertionFailed : public Error {
 public:
  AssertionFailed(std::string op, std::string what, std::string got = {}, std::string hint = {})
      : Error(ErrorKind::Value, std::move(op), std::move(what), std::move(got), std::move(hint)) {}
};

}  // namespace rt
