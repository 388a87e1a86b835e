// main() of a fuzz target without libFuzzer: mutates valid inputs with a seeded generator, so that
// every plain build exercises every decoder the same way.
//
// Usage: fuzz_NAME_mutations [--runs N] [--seconds S] [--seed X] [--write FOLDER] [FILE |
// FOLDER]... Without --runs: a tenth of a million, all of it with FRAMEBUS_TEST_FULL=1, a fifth of
// the tenth under sanitizers. --seconds
// ends it earlier.
// --write only saves the seeds as files, as a corpus for libFuzzer.
// At the end it says how far the inputs got (FuzzMilestone), and fails when that was not far
// enough. The last input is kept in the temporary folder while it runs, so a crash can be looked
// at; the driver prints seed and path first. Runs with the same seed and --runs are the same.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/full_run.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/mutations.h"
#include "tests/sanitized.h"

using namespace framebus::fuzz;

namespace {

constexpr std::size_t changes_max = 8;
constexpr std::uint64_t runs_judged_min = 10'000;

struct Options {
  double seconds = 0;  // 0: as long as the runs take
  std::uint64_t runs = framebus::testing::is_full_run()  ? 1'000'000
                       : framebus::testing::is_sanitized ? 20'000  // some take 3 ms each there
                                                         : 100'000;
  std::uint64_t seed = 20'240'611;
  std::string write_folder;
  std::vector<std::string> paths;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "0";
    if (word == "--seconds")
      options.seconds = std::atof(value), ++i;
    else if (word == "--runs")
      options.runs = std::strtoull(value, nullptr, 10), ++i;
    else if (word == "--seed")
      options.seed = std::strtoull(value, nullptr, 10), ++i;
    else if (word == "--write")
      options.write_folder = value, ++i;
    else
      options.paths.push_back(word);
  }
  return options;
}

void add_file(std::vector<Input>& seeds, const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  Input input{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (input.size() <= input_bytes_max) seeds.push_back(std::move(input));
}

std::vector<Input> collect_seeds(const Options& options) {
  std::vector<Input> seeds;
  if (fuzz_seeds != nullptr) seeds = fuzz_seeds();
  for (const std::string& path : options.paths) {
    if (std::filesystem::is_directory(path)) {
      std::vector<std::filesystem::path> files;
      for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
        if (entry.is_regular_file()) files.push_back(entry.path());
      }
      std::sort(files.begin(), files.end());
      for (const auto& file : files) add_file(seeds, file);
    } else if (std::filesystem::exists(path)) {
      add_file(seeds, path);
    } else {
      std::fprintf(stderr, "no such seed: %s\n", path.c_str());
      std::exit(2);
    }
  }
  if (seeds.empty()) seeds.push_back({});
  return seeds;
}

int write_seeds(const std::string& folder, const std::vector<Input>& seeds) {
  std::filesystem::create_directories(folder);
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    std::ofstream stream(folder + "/seed_" + std::to_string(i), std::ios::binary);
    stream.write(reinterpret_cast<const char*>(seeds[i].data()),
                 static_cast<std::streamsize>(seeds[i].size()));
    if (!stream) {
      std::fprintf(stderr, "%s can not be written\n", folder.c_str());
      return 2;
    }
  }
  std::printf("%zu seeds written to %s\n", seeds.size(), folder.c_str());
  return 0;
}

// Half of the inputs of a known structure are changed within it alone, a quarter by both ways.
Input mutated(const std::vector<Input>& seeds, Random& random) {
  Input input = seeds[random.below(seeds.size())];
  const auto msgpack_at = [](const Input& bytes) {
    return fuzz_msgpack_at != nullptr ? fuzz_msgpack_at(bytes) : SIZE_MAX;
  };
  const bool is_value = msgpack_at(input) < input.size();
  const bool is_structured = is_value || is_text(input);
  const std::size_t way = is_structured ? random.below(4) : 3;
  // One in half of the inputs, two in a quarter: each further one is likely to be the last straw.
  std::size_t changes = 1;
  while (changes < changes_max && random.below(2) == 0) ++changes;
  for (std::size_t i = 0; i < changes; ++i) {
    const Input& other = seeds[random.below(seeds.size())];
    const bool in_structure = way < 2 || (way == 2 && i + 1 < changes);
    if (!in_structure)
      mutate_bytes(input, other, random);
    else if (is_value)
      mutate_msgpack(input, msgpack_at(input), other, msgpack_at(other), random);
    else
      mutate_text(input, other, random);
  }
  return input;
}

std::span<FuzzMilestone> milestones() {
  return fuzz_milestones != nullptr ? fuzz_milestones() : std::span<FuzzMilestone>();
}

// False when too few inputs got as far as the target promises. A short run is not judged.
bool report_milestones(std::uint64_t runs) {
  bool is_deep = true;
  for (const FuzzMilestone& milestone : milestones()) {
    const double percent = 100.0 * static_cast<double>(milestone.count) /
                           static_cast<double>(std::max(runs, std::uint64_t{1}));
    const bool is_short = runs >= runs_judged_min && percent < milestone.percent_min;
    std::printf("%6.2f %% %s%s\n", percent, milestone.name, is_short ? ": too few" : "");
    if (is_short)
      std::fprintf(stderr, "%.2f %% of the inputs reach '%s'; at least %.2f %% should\n", percent,
                   milestone.name, milestone.percent_min);
    is_deep = is_deep && !is_short;
  }
  return is_deep;
}

// The input that runs, in a mapped file: it outlives a crash and costs no system call per run.
class LastInput {
 public:
  explicit LastInput(const std::string& path) : path_(path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || ::ftruncate(fd, static_cast<off_t>(input_bytes_max + 8)) != 0) return;
    void* map = ::mmap(nullptr, input_bytes_max + 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (map != MAP_FAILED) bytes_ = static_cast<std::uint8_t*>(map);
  }
  ~LastInput() {
    if (bytes_ != nullptr) ::munmap(bytes_, input_bytes_max + 8);
    ::unlink(path_.c_str());
  }
  LastInput(const LastInput&) = delete;
  LastInput& operator=(const LastInput&) = delete;
  void set(const Input& input) {
    if (bytes_ == nullptr) return;
    const std::uint64_t size = input.size();
    std::memcpy(bytes_, &size, sizeof size);
    if (!input.empty()) std::memcpy(bytes_ + sizeof size, input.data(), input.size());
  }

 private:
  std::string path_;
  std::uint8_t* bytes_ = nullptr;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const std::vector<Input> seeds = collect_seeds(options);
  if (!options.write_folder.empty()) return write_seeds(options.write_folder, seeds);
  const std::string last_path = (std::filesystem::temp_directory_path() /
                                 ("framebus_fuzz_last_" + std::to_string(::getpid())))
                                    .string();
  std::printf(
      "seed %llu, %zu seeds, %llu runs; the running input (8 bytes of length before it): %s\n",
      static_cast<unsigned long long>(options.seed), seeds.size(),
      static_cast<unsigned long long>(options.runs), last_path.c_str());
  std::fflush(stdout);
  LastInput last(last_path);
  Random random{options.seed | 1};
  const auto run = [&](const Input& input) {
    last.set(input);
    LLVMFuzzerTestOneInput(input.data(), input.size());
  };
  for (const Input& seed : seeds) run(seed);
  for (FuzzMilestone& milestone : milestones()) {
    std::printf("%llu seeds: %s\n", static_cast<unsigned long long>(milestone.count),
                milestone.name);
    milestone.count = 0;  // from here on of mutated inputs alone
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [&begin] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  std::uint64_t runs = 0;
  while (runs < options.runs && (options.seconds <= 0 || seconds() < options.seconds)) {
    run(mutated(seeds, random));
    ++runs;
  }
  std::printf("%llu mutated inputs taken in %.1f s\n", static_cast<unsigned long long>(runs),
              seconds());
  return report_milestones(runs) ? 0 : 1;
}
