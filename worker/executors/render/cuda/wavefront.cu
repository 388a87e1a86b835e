#include <cuda_runtime.h>

#include "worker/executors/render/core/film.h"
#include "worker/executors/render/cuda/wavefront.h"

namespace framebus::render::cuda {
namespace {

constexpr unsigned block_size = 128;  // threads

__device__ std::uint32_t path_index() {
  return blockIdx.x * blockDim.x + threadIdx.x;
}

__global__ void generate_kernel(Wavefront wave, DeviceTile tile, std::uint32_t first_sample) {
  const std::uint32_t i = path_index();
  if (i >= wave.count) return;
  const std::uint32_t pixels = tile.width * tile.height, pixel = i % pixels;
  generate(*wave.params, tile.x + pixel % tile.width, tile.y + pixel / tile.width,
           first_sample + i / pixels, wave.paths[i]);
}

__global__ void trace_kernel(Wavefront wave) {
  const std::uint32_t i = path_index();
  if (i >= wave.count || wave.paths[i].is_alive == 0) return;
  wave.hits[i] = trace_bvh2(*wave.params, *wave.bvh, wave.paths[i].ray);
}

__global__ void shade_kernel(Wavefront wave) {
  const std::uint32_t i = path_index();
  if (i >= wave.count) return;
  wave.shadows[i].is_wanted = 0;
  if (wave.paths[i].is_alive == 0) return;
  shade(*wave.params, wave.paths[i], wave.hits[i], wave.shadows[i]);
  if (wave.paths[i].is_alive != 0) atomicAdd(wave.alive_count, 1u);
}

__global__ void shadow_kernel(Wavefront wave) {
  const std::uint32_t i = path_index();
  if (i >= wave.count || wave.shadows[i].is_wanted == 0) return;
  if (!is_occluded_bvh2(*wave.params, *wave.bvh, wave.shadows[i].ray))
    add_unoccluded(wave.paths[i], wave.shadows[i]);
}

// Two's complement: adding as unsigned adds signed.
__device__ void add(std::int64_t* to, std::int64_t value) {
  atomicAdd(reinterpret_cast<unsigned long long*>(to), static_cast<unsigned long long>(value));
}
__device__ void add_color(std::int64_t* plane, std::size_t pixels, std::size_t at,
                          const std::int64_t* rgb) {
  if (plane == nullptr) return;
  for (int channel = 0; channel < 3; ++channel) add(plane + channel * pixels + at, rgb[channel]);
}

__global__ void accumulate_kernel(Wavefront wave, DeviceTile tile) {
  const std::uint32_t i = path_index();
  if (i >= wave.count) return;
  PixelSums sums = {};
  accumulate(*wave.params, wave.paths[i], sums);
  const std::size_t pixels = std::size_t{tile.width} * tile.height, at = i % pixels;
  add_color(tile.rgb, pixels, at, sums.rgb);
  add_color(tile.albedo, pixels, at, sums.albedo);
  add_color(tile.normal, pixels, at, sums.normal);
  if (tile.depth != nullptr && sums.depth_hits != 0) {
    add(tile.depth + at, sums.depth);
    atomicAdd(tile.depth_hits + at, sums.depth_hits);
  }
  if (sums.nan_count != 0)
    atomicAdd(tile.nan_count, static_cast<unsigned long long>(sums.nan_count));
  if (sums.clamp_count != 0)
    atomicAdd(tile.clamp_count, static_cast<unsigned long long>(sums.clamp_count));
}

unsigned blocks_of(std::uint32_t count) {
  return (count + block_size - 1) / block_size;
}

}  // namespace

int launch_generate(const Wavefront& wave, const DeviceTile& tile, std::uint32_t first_sample,
                    Stream stream) {
  if (wave.count == 0) return 0;
  generate_kernel<<<blocks_of(wave.count), block_size, 0, static_cast<cudaStream_t>(stream)>>>(
      wave, tile, first_sample);
  return cudaGetLastError();
}

int launch_bounce(const Wavefront& wave, Stream stream) {
  if (wave.count == 0) return 0;
  const cudaStream_t on = static_cast<cudaStream_t>(stream);
  const unsigned blocks = blocks_of(wave.count);
  if (const cudaError_t error = cudaMemsetAsync(wave.alive_count, 0, sizeof *wave.alive_count, on))
    return error;
  trace_kernel<<<blocks, block_size, 0, on>>>(wave);
  shade_kernel<<<blocks, block_size, 0, on>>>(wave);
  shadow_kernel<<<blocks, block_size, 0, on>>>(wave);
  return cudaGetLastError();
}

int launch_accumulate(const Wavefront& wave, const DeviceTile& tile, Stream stream) {
  if (wave.count == 0) return 0;
  accumulate_kernel<<<blocks_of(wave.count), block_size, 0, static_cast<cudaStream_t>(stream)>>>(
      wave, tile);
  return cudaGetLastError();
}

}  // namespace framebus::render::cuda
