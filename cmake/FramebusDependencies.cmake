# Every third-party package, found once. Names are Debian 12's; ./run installs them.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(cppzmq REQUIRED)
find_package(msgpack CONFIG REQUIRED)          # target msgpackc-cxx
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)                  # always the compiled target spdlog::spdlog
find_package(fmt REQUIRED)
find_package(tl-expected CONFIG QUIET)
find_package(PNG REQUIRED)
find_package(JPEG REQUIRED)
find_package(OpenEXR CONFIG REQUIRED)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
find_package(SQLite3 REQUIRED)                 # target SQLite::SQLite3
if(FRAMEBUS_TESTS)
  find_package(doctest REQUIRED)
  include(doctest OPTIONAL)
endif()
find_package(embree 3 QUIET)                   # optional: the peer of the ray benchmark
