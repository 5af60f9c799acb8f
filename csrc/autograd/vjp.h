// What a vjp formula sees: the saved inputs and results, the other arguments, and the gradients.
#pragma once

#include "autograd/node.h"
#include "ops/record.h"

namespace rt {

// A tensor in the form that a SavedTensorHooks keeps it in (on disk, compressed, to be recomputed).
class PackedTensor {
 public:
  virtual ~PackedTensor() = default;
  virtual Tensor unpack() = 0;
};
class SavedTensorHooks {
 public:
  virtual ~SavedTensorHooks() = default;
  virtual std::shared_ptr<PackedTensor> pack(const Tensor& t) = 0;
  SavedTensorHooks* outer = nullptr;
};

// A tensor kept for backward; it refuses to be read if it was changed in place meanwhile.
class SavedTensor {
 public:
  SavedTensor() = default;
  // `output`: the result of the node that saves it (kept without its history, which would be a
  // cycle); -1 for an input.
  SavedTensor(const Tensor& t, int output);
  bool defined() const { return tensor_.defined() || packed_; }
  Tensor unpack(const Ref<Node>& owner) const;

 private:
  Tensor tensor_;
  std::shared_ptr<PackedTensor> packed_;
  uint32_t version_ = 0;
  int output_ = -1;
};

// Whether a call keeps argument i for its gradients: none is kept that no wanted gradient reads.
bool saves(const OpRecord& op, const Value* args, size_t i);

// The node of every op that has a record: it keeps the call and runs the record's vjp.
class OpNode final : public Node {
 public:
  OpNode(const OpRecord& op, const Value* args);

  std::string name() const override;
  Gradients apply(Gradients grads, const std::vector<bool>& needed) override;
  Gradients apply_to_sums(Gradients grads, const std::vector<bool>& needed,
                          const GatheredSums& sums) override;
  void release() override;

  const OpRecord& op() const { return op_; }
  void save_returns(const Value* returns);

 private:
  friend class VjpContext;
  const OpRecord& op_;
  std::vector<Value> args_;              // tensors replaced by None
  std::vector<SavedTensor> saved_args_;  // by flat input number
  std::vector<SavedTensor> saved_returns_;
  std::vector<InputMeta> inputs_;  // by flat input number
  std::vector<int> first_input_;   // argument -> its first flat input number
  std::mutex mutex_;
  bool released_ = false;
};

class VjpContext {
 public:
  VjpContext(OpNode& node, Gradients& grads, const std::vector<bool>& needed,
             const GatheredSums* sums);

  // Gradient of result i; undefined if it is zero.
  const Tensor& grad(int i = 0) const { return grads_[static_cast<size_t>(i)]; }
  bool has_grad(int i = 0) const { return grads_[static_cast<size_t>(i)].defined(); }
  Tensor grad_or_zeros(int i) const;

  // Whether the gradient of argument `arg` (or element `item` of a list) is wanted.
  bool needs(int arg, int item = 0) const;
  // Sets it. Broadcast inputs get it summed to their shape; real inputs its real part.
  void set(int arg, Tensor g) { set(arg, 0, std::move(g)); }
  void set(int arg, int item, Tensor g);
  // For a gradient that is zero but for some elements: what other uses of the argument have
  // gathered, to add those elements (of `values`, its dtype and device) to in place of set().
  // Undefined where there is no such sum, or others may see it.
  Tensor sum_for(int arg, const Tensor& values) const;

  // A saved argument or result (named in the record's `saves`).
  Tensor input(int arg, int item = 0) const;
  Tensor result(int i = 0) const;
  bool has_input(int arg) const;  // an optional tensor argument that was given

  // Any other argument.
  template <class T>
  decltype(auto) arg(int i) const {
    return Unbox<T>::from(node_.args_[static_cast<size_t>(i)]);
  }
  const Value& value(int i) const { return node_.args_[static_cast<size_t>(i)]; }

  // Shapes and types of tensor arguments, saved or not.
  const InputMeta& meta(int arg, int item = 0) const;
  IntList sizes(int arg, int item = 0) const { return meta(arg, item).sizes; }
  int64_t list_size(int arg) const;
  const InputMeta& result_meta(int i = 0) const;

  Gradients take() { return std::move(out_); }

 private:
  size_t flat(int arg, int item) const;
  void check_not_released() const;
  SavedTensor saved(bool result, size_t i) const;
  OpNode& node_;
  Gradients& grads_;
  const std::vector<bool>& needed_;
  const GatheredSums* sums_;
  Gradients out_;
};

}  // namespace rt
