// Written by hand: what the generated headers need and PyObjC's metadata does not hold.
#pragma once
#include <MacTypes.h>
#include <dispatch/dispatch.h>
#include <mach/mach.h>
#include <objc/NSObject.h>
#include <os/availability.h>
#include <simd/matrix_types.h>
#include <simd/vector_types.h>
#include <stdarg.h>
#include <stdint.h>

#define NS_ASSUME_NONNULL_BEGIN _Pragma("clang assume_nonnull begin")
#define NS_ASSUME_NONNULL_END _Pragma("clang assume_nonnull end")
#define NS_ENUM(type, name) \
  enum name : type;         \
  enum name : type
#define NS_OPTIONS(type, name) \
  type name;                   \
  enum : type
#define NS_NOESCAPE __attribute__((noescape))
#define NS_RETURNS_RETAINED __attribute__((ns_returns_retained))
#define NS_FORMAT_FUNCTION(text, first) __attribute__((format(__NSString__, text, first)))
#define NS_UNAVAILABLE __attribute__((unavailable))

typedef unsigned short unichar;
typedef struct CGImage *CGImageRef;
typedef struct CGColorSpace *CGColorSpaceRef;
typedef struct CGColorConversionInfo *CGColorConversionInfoRef;
enum CGImagePropertyOrientation : uint32_t { kCGImagePropertyOrientationUp = 1 };
@class MTLArgument, MTLComputePipelineReflection, MTLRenderPipelineReflection;
typedef __autoreleasing MTLArgument *MTLAutoreleasedArgument;
typedef __autoreleasing MTLComputePipelineReflection *MTLAutoreleasedComputePipelineReflection;
typedef __autoreleasing MTLRenderPipelineReflection *MTLAutoreleasedRenderPipelineReflection;
