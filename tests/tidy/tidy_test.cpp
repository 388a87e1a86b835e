// The tree's own rules, so that the layering of docs/ARCHITECTURE.md can not rot: include arrows,
// where third-party headers may appear, what the cores may not name, and lengths.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/source_tree.h"

using namespace framebus::tidy;

namespace {

// A folder may include itself and these. The longest matching folder holds.
const std::map<std::string, std::vector<std::string>> allowed_includes = {
    {"libmsg/base/", {}},
    {"libmsg/schema/", {"libmsg/base/"}},
    {"libmsg/disk/", {"libmsg/base/"}},
    {"libmsg/codec/", {"libmsg/base/", "libmsg/schema/"}},
    {"libmsg/transport/", {"libmsg/base/", "libmsg/schema/", "libmsg/codec/"}},
    {"libmsg/blob/", {"libmsg/"}},
    {"broker/core/", {"libmsg/base/", "libmsg/schema/"}},
    {"broker/store/",
     {"broker/core/", "libmsg/base/", "libmsg/schema/", "libmsg/codec/", "libmsg/disk/"}},
    {"broker/store/archive/",
     {"broker/core/image.h", "libmsg/base/", "libmsg/schema/", "libmsg/codec/", "libmsg/disk/",
      "libmsg/blob/blob_hash.h"}},
    {"broker/", {"libmsg/"}},
    {"worker/core/", {"libmsg/base/", "libmsg/schema/"}},
    {"worker/executors/render/core/", {}},
    {"worker/executors/render/", {"libmsg/base/", "libmsg/schema/", "worker/executors/executor.h"}},
    {"worker/executors/", {"libmsg/base/", "libmsg/schema/"}},
    {"worker/", {"libmsg/"}},
    // The client reads scenes before it submits them and adds up tiles afterwards, with the
    // renderer's own code (docs/decisions/0001-client-links-the-scene-reader.md); `local` starts
    // both servers.
    {"client/commands/local", {"libmsg/", "client/", "broker/shell/", "worker/shell/"}},
    {"client/jobfile/",
     {"libmsg/", "client/render/", "worker/executors/render/job/", "worker/executors/render/scene/",
      "worker/executors/render/film/", "worker/executors/render/core/"}},
    {"client/render/",
     {"libmsg/", "client/jobfile/", "worker/executors/render/job/",
      "worker/executors/render/scene/", "worker/executors/render/film/",
      "worker/executors/render/core/"}},
    {"client/lib/", {"libmsg/"}},
    {"client/", {"libmsg/"}},
};

const std::string& rule_for(const std::string& path) {
  const std::string* best = nullptr;
  for (const auto& [folder, unused] : allowed_includes) {
    if (path.starts_with(folder) && (best == nullptr || folder.size() > best->size()))
      best = &folder;
  }
  static const std::string none;
  return best == nullptr ? none : *best;
}

// The folder a rule speaks of: "client/commands/local" speaks of files, its own folder is client/.
std::string own_folder(const std::string& rule) {
  return rule.substr(0, rule.rfind('/') + 1);
}

bool is_project_header(const std::string& include) {
  return include.starts_with("libmsg/") || include.starts_with("broker/") ||
         include.starts_with("worker/") || include.starts_with("client/");
}

bool starts_with_any(const std::string& text, const std::vector<std::string>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](const auto& each) { return text.starts_with(each); });
}

}  // namespace

TEST_CASE("include arrows: every folder includes only what the architecture allows") {
  int looked_at = 0;
  for (const SourceFile* file : product_files()) {
    const std::string& rule = rule_for(file->path);
    for (const std::string& include : file->includes) {
      if (!is_project_header(include)) continue;
      ++looked_at;
      const bool is_allowed = include.starts_with(own_folder(rule)) ||
                              starts_with_any(include, allowed_includes.at(rule));
      CHECK_MESSAGE(is_allowed,
                    file->path << " includes " << include << ", which " << rule << " may not");
    }
  }
  CHECK(looked_at > 50);
}

TEST_CASE("third-party headers: each library is wrapped in the one place that is named for it") {
  const std::map<std::string, std::vector<std::string>> homes = {
      {"zmq.hpp", {"libmsg/transport/"}},
      {"zmq.h", {"libmsg/transport/"}},
      {"msgpack.hpp", {"libmsg/codec/"}},
      {"sqlite3.h", {"broker/store/archive/sqlite.cpp"}},
      {"cuda.h", {"worker/executors/"}},
      {"cuda_runtime.h", {"worker/executors/"}},
      {"spdlog/", {"libmsg/base/"}},
      {"sodium.h", {"libmsg/blob/", "broker/", "worker/", "client/"}},
      {"boost/", {"broker/gateway/"}},
      {"CLI/", {"client/"}},
      {"OpenEXR/", {"worker/executors/render/"}},
      {"Imf", {"worker/executors/render/"}},
      {"png.h", {"worker/executors/render/"}},
      {"jpeglib.h", {"worker/executors/render/"}},
  };
  std::map<std::string, int> users;
  for (const SourceFile* file : product_files()) {
    for (const std::string& include : file->includes) {
      for (const auto& [header, folders] : homes) {
        const bool is_it = header.ends_with('/') || header == "Imf" ? include.starts_with(header)
                                                                    : include == header;
        if (!is_it) continue;
        ++users[header];
        CHECK_MESSAGE(starts_with_any(file->path, folders), file->path << " includes " << include);
      }
      if (include.starts_with("nlohmann/")) {
        CHECK_MESSAGE(file->path.ends_with(".cpp"),
                      file->path << ": nlohmann/json.hpp in a header costs every includer seconds");
      }
    }
  }
  CHECK(users["zmq.hpp"] + users["zmq.h"] >= 1);
  CHECK(users["zmq.hpp"] <= 1);
  CHECK(users["msgpack.hpp"] == 1);
  CHECK(users["sqlite3.h"] == 1);
}

TEST_CASE("cores: no clock, chance, thread, file, socket or environment is named") {
  const std::vector<std::string> banned = {
      "steady_clock",  "system_clock",  "high_resolution_clock",
      "random_device", "getenv",        "thread",
      "jthread",       "mutex",         "condition_variable",
      "atomic",        "fstream",       "ifstream",
      "ofstream",      "fopen",         "filesystem",
      "socket",        "unordered_map", "unordered_set",
      "now_monotonic", "rand",          "sleep_for",
  };
  int looked_at = 0;
  for (const SourceFile* file : product_files()) {
    if (!file->is_in("broker/core/") && !file->is_in("worker/core/")) continue;
    for (std::size_t i = 0; i < file->lines.size(); ++i) {
      const std::string code = code_of(file->lines[i]);
      ++looked_at;
      for (const std::string& name : banned) {
        CHECK_MESSAGE(!names(code, name), file->path << ":" << i + 1 << " names " << name);
      }
    }
  }
  CHECK(looked_at > 500);
}

TEST_CASE(
    "lengths: no file over 700 lines, median and 90th percentile small, lines within 120 columns") {
  std::vector<std::size_t> lengths;
  for (const SourceFile& file : source_files()) {
    CHECK_MESSAGE(file.lines.size() <= 700,
                  file.path << " has " << file.lines.size() << " lines: split it by concept");
    if (!file.is_in("tests/")) lengths.push_back(file.lines.size());
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      CHECK_MESSAGE(file.lines[i].size() <= 140,
                    file.path << ":" << i + 1 << " is " << file.lines[i].size() << " columns wide");
    }
  }
  REQUIRE(lengths.size() > 50);
  std::sort(lengths.begin(), lengths.end());
  const std::size_t median = lengths[lengths.size() / 2];
  const std::size_t ninetieth = lengths[lengths.size() * 9 / 10];
  MESSAGE("files " << lengths.size() << ", median " << median << " lines, 90th percentile "
                   << ninetieth);
  CHECK(median <= 150);
  CHECK(ninetieth <= 450);
}

TEST_CASE("names: no file is called after nothing in particular") {
  const std::vector<std::string> vague = {"util",    "utils", "common", "helper",
                                          "helpers", "misc",  "manager"};
  for (const SourceFile& file : source_files()) {
    std::string stem = file.path.substr(file.path.rfind('/') + 1);
    stem = stem.substr(0, stem.rfind('.'));
    CHECK_MESSAGE(std::find(vague.begin(), vague.end(), stem) == vague.end(),
                  file.path << " says nothing about what it holds");
  }
}

TEST_CASE("headers: each begins with a comment and is included once") {
  for (const SourceFile* file : product_files()) {
    if (!file->path.ends_with(".h")) continue;
    CHECK_MESSAGE(file->text.starts_with("//"),
                  file->path << " has no comment that says what it is");
    CHECK_MESSAGE(file->text.find("#pragma once") != std::string::npos,
                  file->path << " lacks #pragma once");
  }
}

TEST_CASE("tests: no name of a case holds a semicolon, at which ctest would cut it in two") {
  for (const SourceFile& file : source_files()) {
    if (!file.is_in("tests/") || file.is_in("tests/tidy/")) continue;
    for (auto at = file.text.find("TEST_CASE("); at != std::string::npos;
         at = file.text.find("TEST_CASE(", at + 1)) {
      const std::string name = file.text.substr(at, file.text.find('{', at) - at);
      CHECK_MESSAGE(name.find(';') == std::string::npos, file.path << ": " << name);
    }
  }
}

TEST_CASE("tests: none sleeps, none is switched off") {
  for (const SourceFile& file : source_files()) {
    if (!file.is_in("tests/") || file.is_in("tests/tidy/")) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string code = code_of(file.lines[i]);
      for (const char* name : {"sleep_for", "sleep_until", "usleep", "nanosleep"}) {
        CHECK_MESSAGE(!names(code, name),
                      file.path << ":" << i + 1 << " sleeps: wait for a condition with a deadline");
      }
    }
  }
}
