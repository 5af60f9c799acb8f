// Passes: a prediction into memory of our own, with what macOS 14.4 and 15 add behind @available.
#import <CoreML/CoreML.h>
#import <Foundation/Foundation.h>
#include <cstddef>
#include <memory>
#include <stdexcept>

static MLMultiArray *view(float *data, std::size_t rows, std::size_t columns,
                          std::shared_ptr<void> owner) {
  NSError *error = nil;
  MLMultiArray *array = [[MLMultiArray alloc] initWithDataPointer:data
                                                            shape:@[ @(rows), @(columns) ]
                                                         dataType:MLMultiArrayDataTypeFloat32
                                                          strides:@[ @(columns), @1 ]
                                                      deallocator:^(void *) {
                                                        (void)owner;
                                                      }  // late, on its own thread
                                                            error:&error];
  if (!array) throw std::runtime_error(error.localizedDescription.UTF8String);
  return array;
}

MLModel *load(NSURL *compiled) {
  MLModelConfiguration *configuration = [MLModelConfiguration new];
  configuration.computeUnits = MLComputeUnitsCPUAndNeuralEngine;
  if (@available(macOS 14.4, *)) {
    MLOptimizationHints *hints = [MLOptimizationHints new];
    hints.reshapeFrequency = MLReshapeFrequencyHintInfrequent;
    configuration.optimizationHints = hints;
  }
  NSError *error = nil;
  MLModel *model = [MLModel modelWithContentsOfURL:compiled
                                     configuration:configuration
                                             error:&error];
  if (!model) throw std::runtime_error(error.localizedDescription.UTF8String);
  return model;
}

// Whether Core ML wrote into `y` itself rather than into an array of its own.
bool predict(MLModel *model, float *x, float *y, std::size_t rows, std::size_t columns,
             std::shared_ptr<void> owner) {
  @autoreleasepool {
    MLMultiArray *in = view(x, rows, columns, owner), *out = view(y, rows, columns, owner);
    NSError *error = nil;
    id<MLFeatureProvider> features =
        [[MLDictionaryFeatureProvider alloc] initWithDictionary:@{@"x" : in} error:&error];
    MLPredictionOptions *options = [MLPredictionOptions new];
    options.outputBackings = @{@"y" : out};
    id<MLFeatureProvider> result = nil;
    if (@available(macOS 15.0, *)) {
      MLState *state = [model newState];
      result = [model predictionFromFeatures:features
                                  usingState:state
                                     options:options
                                       error:&error];
    } else {
      result = [model predictionFromFeatures:features options:options error:&error];
    }
    if (!result) throw std::runtime_error(error.localizedDescription.UTF8String);
    return [result featureValueForName:@"y"].multiArrayValue == out;
  }
}
