// Written by hand: the few names of CoreVideo that Core ML's users need (PyObjC has them in its
// large Quartz archive).
#pragma once
#import <Foundation/Foundation.h>
#import <IOSurface/IOSurface.h>
typedef int32_t CVReturn;
typedef uint64_t CVPixelBufferLockFlags;
typedef struct __CVBuffer* CVBufferRef;
typedef CVBufferRef CVPixelBufferRef;
enum { kCVReturnSuccess = 0, kCVPixelBufferLock_ReadOnly = 1 };
enum : OSType {
  kCVPixelFormatType_OneComponent16Half = 'L00h',
  kCVPixelFormatType_OneComponent32Float = 'L00f'
};
extern "C" {
#pragma clang arc_cf_code_audited begin
extern const CFStringRef kCVPixelBufferIOSurfacePropertiesKey;
extern CVReturn CVPixelBufferCreate(CFAllocatorRef, size_t width, size_t height, OSType,
                                    CFDictionaryRef, CVPixelBufferRef*);
extern CVPixelBufferRef CVPixelBufferRetain(CVPixelBufferRef);
extern void CVPixelBufferRelease(CVPixelBufferRef);
extern CVReturn CVPixelBufferLockBaseAddress(CVPixelBufferRef, CVPixelBufferLockFlags);
extern CVReturn CVPixelBufferUnlockBaseAddress(CVPixelBufferRef, CVPixelBufferLockFlags);
extern void* CVPixelBufferGetBaseAddress(CVPixelBufferRef);
extern size_t CVPixelBufferGetBytesPerRow(CVPixelBufferRef);
extern size_t CVPixelBufferGetWidth(CVPixelBufferRef);
extern size_t CVPixelBufferGetHeight(CVPixelBufferRef);
extern OSType CVPixelBufferGetPixelFormatType(CVPixelBufferRef);
extern IOSurfaceRef CVPixelBufferGetIOSurface(CVPixelBufferRef);
#pragma clang arc_cf_code_audited end
}
