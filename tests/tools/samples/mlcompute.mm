// Passes: one layer of the deprecated MLCompute, on the Neural Engine if there is one.
#import <Foundation/Foundation.h>
#import <MLCompute/MLCompute.h>
#include <stdexcept>
#include <vector>
#pragma clang diagnostic ignored \
    "-Wdeprecated-declarations"  // nearly all of MLCompute, since macOS 14.3

static MLCTensorData *view(std::vector<float> &v) {  // `v` must outlive it
  return [MLCTensorData dataWithBytesNoCopy:v.data() length:v.size() * sizeof(float)];
}

void relu(std::vector<float> &x, std::vector<float> &y) {
  @autoreleasepool {
    MLCGraph *graph = [MLCGraph graph];
    MLCTensor *in = [MLCTensor tensorWithShape:@[ @1, @(x.size()), @1, @1 ]
                                      dataType:MLCDataTypeFloat32];
    MLCActivationDescriptor *descriptor =
        [MLCActivationDescriptor descriptorWithType:MLCActivationTypeReLU];
    MLCTensor *out = [graph nodeWithLayer:[MLCActivationLayer layerWithDescriptor:descriptor]
                                   source:in];
    MLCInferenceGraph *inference = [MLCInferenceGraph graphWithGraphObjects:@[ graph ]];
    MLCDevice *device = [MLCDevice aneDevice] ?: MLCDevice.cpuDevice;
    if (![inference addInputs:@{@"x" : in}] || ![inference addOutputs:@{@"y" : out}] ||
        ![inference compileWithOptions:MLCGraphCompilationOptionsNone device:device])
      throw std::runtime_error("MLCompute refused the graph");
    __block NSError *failure = nil;
    const BOOL ran =
        [inference executeWithInputsData:@{@"x" : view(x)}
                             outputsData:@{@"y" : view(y)}
                               batchSize:1
                                 options:MLCExecutionOptionsSynchronous
                       completionHandler:^(MLCTensor *, NSError *error, NSTimeInterval) {
                         failure = error;
                       }];
    if (!ran || failure) throw std::runtime_error("MLCompute failed");
  }
}
