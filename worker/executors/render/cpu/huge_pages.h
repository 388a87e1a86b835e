// An allocator for large arrays that are read at random: asks the system for 2 MiB pages.
//
// A tree of a few megabytes spans thousands of 4 KiB pages, more than the processor remembers
// addresses of. Only a hint: where the system has no huge pages nothing changes. Small arrays are
// allocated as usual.
#pragma once

#include <cstddef>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace framebus::render {

template <class T>
struct HugePageAllocator {
  using value_type = T;
  static constexpr std::size_t page_bytes = std::size_t{2} << 20;

  HugePageAllocator() = default;
  template <class U>
  HugePageAllocator(const HugePageAllocator<U>&) {}  // NOLINT: allocators convert implicitly

  T* allocate(std::size_t count) {
    const std::size_t bytes = count * sizeof(T);
    void* memory = ::operator new(bytes, alignment_of(bytes));
#if defined(__linux__)
    if (bytes >= page_bytes) ::madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t count) {
    ::operator delete(memory, alignment_of(count * sizeof(T)));
  }
  bool operator==(const HugePageAllocator&) const = default;

 private:
  static std::align_val_t alignment_of(std::size_t bytes) {
    return std::align_val_t{bytes >= page_bytes ? page_bytes : std::size_t{64}};
  }
};

}  // namespace framebus::render
