// Precompiled for every C++ target when FRAMEBUS_PCH is on (./run turns it on): what nearly every file
// reads anyway. It saves half of a first build. Each file still includes what it uses; a build without
// it (the default of plain cmake) shows when one does not.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "libmsg/base/result.h"
#include "libmsg/schema/messages.h"
