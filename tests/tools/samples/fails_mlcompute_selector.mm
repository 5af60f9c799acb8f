// Must fail: a training graph takes its optimizer with its loss layer.
#import <MLCompute/MLCompute.h>

MLCTrainingGraph* training(MLCGraph* graph, MLCLayer* loss) {
  return [MLCTrainingGraph graphWithGraphObjects:@[ graph ] lossLayers:loss];
}
