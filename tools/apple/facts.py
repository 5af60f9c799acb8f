"""What the generator must be told, because PyObjC's metadata does not say it. Written by hand."""

from __future__ import annotations

import re

PYOBJC = "12.2.2"
# PyPI project, after pyobjc-framework- -> sha256 of its source archive.
ARCHIVES = {
    "Cocoa": "c96c0ef69a71afbbb0e6a7d594b455c5fe47d62e0db376ee7a2b4b828c16ace9",
    "Metal": "0e7289281cb44ac9f4379ad9c6a6602a7a15fd491acc35949cdc05c5b9790b94",
    "CoreML": "3e6abe134634adbcc0c1e843826e42df86e63beb3bc7e8e4a914e93179ae1e75",
    "MLCompute": "1349fb6dc7cd2c8a81de73119c427295af5d0b1023f304753e1c512cecfdcf81",
    "MetalPerformanceShaders": "0113925764bc02071389e20066fb687b13edabc9fba2a55235542554251fe5e4",
    "MetalPerformanceShadersGraph": "77d9afbed19220a3207393d72c44c4e891d005543816d87dcf49d0c5f1d1bc6d",
}
# Framework -> (project, folder of its metadata in the archive, what its header imports), in this order.
FRAMEWORKS = {
    "CoreFoundation": ("Cocoa", "raw.CoreFoundation", ["prelude.h"]),
    "Foundation": ("Cocoa", "raw.Foundation", ["CoreFoundation/CoreFoundation.h"]),
    "Metal": ("Metal", "raw", ["Foundation/Foundation.h", "IOSurface/IOSurface.h"]),
    "CoreML": ("CoreML", "raw", ["CoreVideo/CoreVideo.h", "Metal/Metal.h"]),
    "MLCompute": ("MLCompute", "raw", ["Metal/Metal.h"]),
    "MetalPerformanceShaders": ("MetalPerformanceShaders", "raw", ["CoreVideo/CoreVideo.h", "Metal/Metal.h"]),
    "MetalPerformanceShadersGraph": (
        "MetalPerformanceShadersGraph",
        "raw",
        ["MetalPerformanceShaders/MetalPerformanceShaders.h"],
    ),
}
# Type names that the compiler and zig's own macOS headers bring (preface/prelude.h includes them).
GIVEN = set(
    """
void char short int long float double signed unsigned bool const volatile struct enum id Class SEL BOOL IMP
Protocol instancetype NSObject NSInteger NSUInteger size_t ssize_t intptr_t uintptr_t int8_t int16_t int32_t
int64_t uint8_t uint16_t uint32_t uint64_t va_list pid_t uid_t gid_t mode_t dispatch_queue_t dispatch_block_t
dispatch_data_t dispatch_semaphore_t mach_port_t kern_return_t Boolean UInt8 UInt16 UInt32 UInt64 SInt8 SInt16
SInt32 SInt64 Float32 Float64 UniChar UTF32Char OSType OSErr OSStatus FourCharCode StringPtr ConstStr255Param
ConstStringPtr LangCode RegionCode ScriptCode ResType vector_float2 vector_float3 vector_float4 vector_uchar16
matrix_float4x4 matrix_float3x3 CGImagePropertyOrientation __unsafe_unretained __autoreleasing
__kindof""".split()
)
# Type encodings of one type (Z, T and t are PyObjC's own).
ENCODED = {
    "v": "void",
    "?": "void",
    "q": "NSInteger",
    "Q": "NSUInteger",
    "i": "int32_t",
    "I": "uint32_t",
    "l": "long",
    "L": "unsigned long",
    "s": "int16_t",
    "S": "uint16_t",
    "c": "char",
    "t": "char",
    "C": "uint8_t",
    "T": "unichar",
    "B": "bool",
    "Z": "BOOL",
    "f": "float",
    "d": "double",
    "@": "id",
    "#": "Class",
    ":": "SEL",
    "*": "char *",
    "@?": "dispatch_block_t",
    "<3f>": "vector_float3",
    "<4f>": "vector_float4",
    "<16C>": "vector_uchar16",
}
# Return types of functions, of which the metadata only has the encoding.
RETURNS = {
    r"MTLCreateSystemDefaultDevice|MPSGetPreferredDevice": "id<MTLDevice>",
    r"MTLCopyAllDevices\w*": "NSArray<id<MTLDevice>> *",
    r"MTLIOFlushAndDestroyCompressionContext": "MTLIOCompressionStatus",
    r"MPSGetImageType": "MPSImageType",
    r"MLAllComputeDevices": "NSArray<id<MLComputeDeviceProtocol>> *",
    r"CFBridgingRetain": "CFTypeRef",
    r"NSSearchPathForDirectoriesInDomains": "NSArray<NSString *> *",
    r"NSStringFrom\w+|NS(Temporary|Home)Directory\w*|NS(Full)?UserName|MLC\w+DebugDescription": "NSString *",
}
# Bodies of inline functions whose arguments are not the fields of the result one by one.
BODIES = {
    "MTLRegionMake1D": "{{a0, 0, 0}, {a1, 1, 1}}",
    "MTLRegionMake2D": "{{a0, a1, 0}, {a2, a3, 1}}",
    "CFBridgingRetain": "(__bridge_retained CFTypeRef)a0",
    "CFBridgingRelease": "(__bridge_transfer id)a0",
}
COVARIANT = {"NSArray", "NSDictionary", "NSSet", "NSOrderedSet", "NSMeasurement"}
# Sets of bits: plain integers in Objective-C++, so that `a | b` keeps its type; all others are C++ enums.
OPTIONS = re.compile(
    r"(?!MPSGraphOptions|NSSaveOptions|MPSCNN\w*ConvolutionFlags)\w*"
    r"(Options?|Mask|Flags?|Usage|Stages|BarrierScope|CommandType|FunctionSignature|ProgressEvent|TrainingStyle|"
    r"CalendarUnit|FormatterUnits|ZeroFormattingBehavior|StreamEvent|StreamEventType|RunLoopActivity|CallBackType|"
    r"TextCheckingType|NotificationCoalescing|PresentationIntent|TokenizerTokenType|NNPaddingMethod|NNComparisonType|"
    r"AliasingStrategy|MatrixRandomDistribution)"
)
# What csrc calls of Accelerate, of which there is no metadata: BLAS with C's interface, and LAPACK.
BLAS = [f"cblas_{t}gemm" for t in "sdcz"]
LAPACK = [
    t + name
    for types, names in [
        (
            "sdcz",
            "getrf getrs getri potrf potrs potri trtrs trsm geqrf gesdd gesvd geev gels gelsy gelsd gelss",
        ),
        ("sd", "orgqr ormqr syevd"),
        ("cz", "ungqr unmqr heevd"),
    ]
    for t in types
    for name in names.split()
]
