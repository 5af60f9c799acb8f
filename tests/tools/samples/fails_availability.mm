// Must fail for macOS 14: residency sets came with 15, and nothing asks for the version.
#import <Metal/Metal.h>

id<MTLResidencySet> set(id<MTLDevice> device) {
  return [device newResidencySetWithDescriptor:[MTLResidencySetDescriptor new] error:nil];
}
