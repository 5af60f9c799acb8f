// Must fail: a prediction takes its features first, and a state is made by newState.
#import <CoreML/CoreML.h>

id<MLFeatureProvider> predict(MLModel* model, id<MLFeatureProvider> x) {
  NSError* error = nil;
  return [model predictionWithFeatures:x error:&error];
}
