// Compiles, and must not link: nothing defines the function.
#import <Metal/Metal.h>

id<MTLDevice> the_device_of_nobody();

id<MTLCommandQueue> queue() { return [the_device_of_nobody() newCommandQueue]; }
