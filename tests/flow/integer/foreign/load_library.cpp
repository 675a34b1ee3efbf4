// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// `load_library FILE SYMBOL`: loads a wheel's library as Python does and prints the version that its
// function SYMBOL returns.
#include <cstdint>
#include <cstdio>
#include <dlfcn.h>

int main(int count, char** arguments) {
    if (count != 3) return 2;
    void* library = dlopen(arguments[1], RTLD_NOW);
    void* found = library ? dlsym(library, arguments[2]) : nullptr;
    if (!found) return std::fprintf(stderr, "%s\n", dlerror()), 1;
    std::printf("%lld\n", static_cast<long long>(reinterpret_cast<std::int64_t (*)()>(found)()));
    return 0;
}
