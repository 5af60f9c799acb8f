// A compute device that is only asked for its library, and host memory that says it is a GPU's.
#pragma once

#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "core/tensor.h"
#include "gpu/dense_library.h"

namespace rt::gpu {

class BareDevice : public ComputeDevice, public DenseLibrary {
 public:
  DenseLibrary* dense_library() override { return this; }
  bool multiplies() override { return true; }
  std::shared_ptr<const LibraryPlan> find(const GemmKey&) override { return nullptr; }
  std::shared_ptr<const LibraryPlan> find(const ConvKey&) override { return nullptr; }
  bool run(const GemmKey&, const LibraryPlan&, float, float, const Arguments&) override {
    return false;
  }
  bool run(const ConvKey&, const LibraryPlan&, const Arguments&) override { return false; }
  std::vector<LibraryReport> reports() override { return {}; }

  const Info& info() const override { return info_; }
  Block allocate(size_t) override { return {}; }
  void release(const Block&) override {}
  bool has_kernel(std::string_view) override { return false; }
  const Kernel* find_kernel(std::string_view, Constants) override { return nullptr; }
  void launch(const Kernel&, Extent, Extent, const Arguments&) override {}
  void copy(const Block&, size_t, const Block&, size_t, size_t) override {}
  void read(void*, const Block&, size_t, size_t) override {}
  void write(const Block&, size_t, const void*, size_t) override {}
  void synchronize() override {}
  Stream create_stream(int) override { return nullptr; }
  bool query(Stream) override { return true; }
  void synchronize(Stream) override {}
  std::unique_ptr<Event> create_event(bool) override { return nullptr; }

  std::string why_not;  // what the library said last

 private:
  Info info_;
};

// Small whole numbers, whose sums are exact in any order.
struct Array {
  explicit Array(size_t n, unsigned seed = 0) : values(n) {
    std::mt19937 random(static_cast<unsigned>(n) + seed);
    for (float& v : values) v = static_cast<float>(static_cast<int>(random() % 19) - 9);
  }
  Tensor tensor(IntList sizes) {
    Dims strides(sizes.size());
    int64_t step = 1;
    for (size_t d = sizes.size(); d-- > 0; step *= sizes[d]) strides[d] = step;
    const Block block{values.data(), values.size() * sizeof(float), nullptr};
    const auto storage =
        make_ref<DeviceStorage>(block, block.bytes, Device{DeviceType::CUDA, 0}, nullptr);
    return Tensor(make_ref<TensorImpl>(storage, DType::Float32, sizes, strides, 0));
  }
  std::vector<float> values;
};

}  // namespace rt::gpu
