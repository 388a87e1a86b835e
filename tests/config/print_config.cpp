// print_config DIR: writes the files that are printed from the code below DIR. print_config
// --tables: prints the rows of docs/OPERATING.md, program by program.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "broker/shell/config.h"
#include "client/commands/client_config.h"
#include "tests/config/printed_files.h"
#include "worker/shell/config.h"

using namespace framebus;

namespace {

template <class C>
void print_table(const ConfigTable<C>& table) {
  std::printf("### %s\n\n| key | default | allowed | meaning |\n|---|---|---|---|\n%s\n",
              table.program.c_str(), markdown_rows(table, C{}).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: print_config DIR | --tables\n");
    return 2;
  }
  if (std::string_view(argv[1]) == "--tables") {
    print_table(broker::broker_config_table());
    print_table(worker::worker_config_table());
    print_table(client::client_config_table());
    return 0;
  }
  for (const PrintedFile& file : printed_files()) {
    const std::filesystem::path path = std::filesystem::path(argv[1]) / file.path;
    std::error_code problem;
    std::filesystem::create_directories(path.parent_path(), problem);
    std::ofstream out(path, std::ios::binary);
    out << file.text;
    out.close();
    if (!out) {
      std::fprintf(stderr, "print_config: %s can not be written\n", path.c_str());
      return 1;
    }
    std::printf("%s\n", path.c_str());
  }
  return 0;
}
