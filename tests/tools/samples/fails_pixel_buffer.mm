// Must fail: the bytes of a row are asked for by another name, and a surface is not made like this.
#import <CoreVideo/CoreVideo.h>

size_t row(CVPixelBufferRef buffer) { return CVPixelBufferGetBytesInRow(buffer); }
