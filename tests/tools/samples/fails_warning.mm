// Must fail: warnings are errors.
#import <Foundation/Foundation.h>

NSString *shown(NSUInteger n) { return [NSString stringWithFormat:@"%d", n]; }
