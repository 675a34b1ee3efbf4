// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// What Python calls through ctypes; see flow/integer/incremental/_library.py.

#include <memory>

#include "flips.hpp"
#include "program.hpp"
#include "state.hpp"
#include "tree.hpp"

using namespace incremental;

namespace {

// A network's state in the narrowest integers that hold its sums; one thread at a time.
struct Engine {
  explicit Engine(const Program &program) {
    if (program.wide)
      wide = std::make_unique<State<int64_t>>(program);
    else
      narrow = std::make_unique<State<int32_t>>(program);
  }
  std::unique_ptr<State<int32_t>> narrow;
  std::unique_ptr<State<int64_t>> wide;
};

template <class T>
void show(State<T> &state, const int32_t *low, const int32_t *high, int64_t size, int64_t label) {
  state.choose(label);
  for (int64_t i = 0; i < size; ++i) state.set(int32_t(i), T(low[i]), T(high[i]));
  state.propagate();
}

template <class T>
void bounds(State<T> &state, int64_t *low, int64_t *high) {
  for (int64_t j = 0; j < state.outputs(); ++j) {
    low[j] = state.low()[j];
    high[j] = state.high()[j];
  }
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT int64_t si_abi() { return kAbi; }

EXPORT void *si_create(const Program *program) { return new Engine(*program); }

EXPORT void si_destroy(void *engine) { delete static_cast<Engine *>(engine); }

// Margins' bounds over the box low .. high of images, [size] values each.
EXPORT void si_bounds(void *handle, const int32_t *low, const int32_t *high, int64_t size,
                      int64_t label, int64_t *margins_low, int64_t *margins_high) {
  Engine &engine = *static_cast<Engine *>(handle);
  if (engine.wide) {
    show(*engine.wide, low, high, size, label);
    bounds(*engine.wide, margins_low, margins_high);
  } else {
    show(*engine.narrow, low, high, size, label);
    bounds(*engine.narrow, margins_low, margins_high);
  }
}

// Search from `image` for one that is wrong.
EXPORT void si_flip(void *handle, const int32_t *image, int64_t size, FlipTask *task) {
  Engine &engine = *static_cast<Engine *>(handle);
  if (engine.wide) {
    show(*engine.wide, image, image, size, task->label);
    Flips<int64_t>(*engine.wide, *task).run();
  } else {
    show(*engine.narrow, image, image, size, task->label);
    Flips<int32_t>(*engine.narrow, *task).run();
  }
}

// Decide the box of all cells around `image`.
EXPORT void si_decide(void *handle, const int32_t *image, int64_t size, TreeTask *task) {
  Engine &engine = *static_cast<Engine *>(handle);
  if (engine.wide) {
    show(*engine.wide, image, image, size, task->label);
    Tree<int64_t>(*engine.wide, *task).run();
  } else {
    show(*engine.narrow, image, image, size, task->label);
    Tree<int32_t>(*engine.narrow, *task).run();
  }
}
