// Reports as text, in three ways behind one trait: tables for people, JSON for programs, bare ids
// for shells.
//
// Pure: no descriptor is touched here. The JSON shapes are documented in docs/CLI.md and stable:
// keys are added, never renamed or removed.
#pragma once

#include <memory>
#include <string>

#include "client/output/report.h"
#include "client/output/terminal.h"

namespace framebus::client {

enum class OutputMode { table, json, quiet };

class Renderer {
 public:
  virtual ~Renderer() = default;
  // Text ending in a new line, or nothing. Never contains what a peer could use against the
  // terminal.
  virtual std::string render(const Report& report) const = 0;
};

// `terminal`: width, colours and characters of tables.
std::unique_ptr<Renderer> make_renderer(OutputMode mode, const Terminal& terminal);

std::unique_ptr<Renderer> make_table_renderer(const Terminal& terminal);
std::unique_ptr<Renderer> make_json_renderer();
std::unique_ptr<Renderer> make_quiet_renderer();

}  // namespace framebus::client
