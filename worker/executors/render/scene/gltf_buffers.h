// Buffers, buffer views and accessors: the only way from a glTF file's bytes to numbers.
//
// Every offset, stride and count is checked in 64 bits against the bytes that are really there,
// before anything is read or allocated. External buffers are read when first needed. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "worker/executors/render/scene/gltf_document.h"

namespace framebus::render {

struct AccessorInfo {
  std::uint64_t count = 0;           // elements
  std::uint32_t components = 1;      // SCALAR 1 ... MAT4 16
  std::uint32_t component_type = 0;  // glTF's number: 5120 BYTE ... 5126 FLOAT
  bool is_normalized = false;
};

class GltfBuffers {
 public:
  GltfBuffers(const GltfDocument& document, const FileResolver& files)
      : document_(document), files_(files), loaded_(document.buffers.size()) {}

  // `view` is an index that was checked against document.buffer_views.
  Result<BytesView> view_bytes(std::uint32_t view);
  // What the accessor declares, without reading its data.
  Result<AccessorInfo> info(std::uint32_t accessor) const;
  // All components as floats (normalized integers mapped to 0..1 or -1..1), count * components of
  // them. `components`: allowed numbers of components, e.g. {3, 4}. Not finite: an error that names
  // the element.
  Result<std::vector<float>> floats(std::uint32_t accessor, std::vector<std::uint32_t> components,
                                    std::uint64_t count_max);
  // A scalar accessor of unsigned integers.
  Result<std::vector<std::uint32_t>> indices(std::uint32_t accessor, std::uint64_t count_max);

 private:
  struct Layout {
    AccessorInfo info;
    std::uint32_t component_bytes = 0;
    std::uint64_t element_bytes = 0;
    std::uint64_t stride = 0;
    BytesView data;  // from the first element; empty: zeros
    bool has_data = false;
  };
  Result<BytesView> buffer_bytes(std::uint32_t buffer);
  Result<Layout> layout(std::uint32_t accessor, std::uint64_t count_max);
  template <class T, class Convert>
  Result<std::vector<T>> read(std::uint32_t accessor, const Layout& layout, Convert convert);
  template <class T, class Convert>
  Status read_sparse(const GltfValue& accessor, const Layout& layout, Convert convert,
                     std::vector<T>& out);

  const GltfDocument& document_;
  const FileResolver& files_;
  std::vector<std::optional<Bytes>> loaded_;
};

}  // namespace framebus::render
