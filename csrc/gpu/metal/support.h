// Between Objective-C and C++: strings, errors.
#pragma once

#import <Foundation/Foundation.h>

#include <string>
#include <string_view>

#include "core/error.h"

namespace rt::gpu::metal {

inline NSString* to_ns(std::string_view s) {
  return [[NSString alloc] initWithBytes:s.data() length:s.size() encoding:NSUTF8StringEncoding];
}
inline std::string to_std(NSString* s) { return s ? s.UTF8String : ""; }

// What went wrong, in the system's words.
inline std::string reason(NSError* error) {
  return error ? to_std(error.localizedDescription) : "Metal gives no reason";
}

}  // namespace rt::gpu::metal
