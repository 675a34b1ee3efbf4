// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Local search over cells for an image that the network gets wrong: tabu, then annealing.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "cells.hpp"
#include "state.hpp"

namespace incremental {

struct FlipTask {
  Cells cells;
  const int32_t *need;       // [classes]
  int64_t label, seed, evaluations, tenure, patience;
  int64_t start_count;
  const int32_t *starts;     // [start_count][cells.count], a cell of each pixel
  // results
  int32_t *best;             // [cells.count], the cells of the least slack
  int64_t best_slack, spent;
};

template <class T>
class Flips {
 public:
  Flips(State<T> &state, FlipTask &task) : state_(state), task_(task), at_(task.cells.count),
                                           free_at_(task.cells.count), random_(task.seed * 2 + 1) {
    for (int64_t i = 0; i < task.cells.count; ++i) at_[i] = -1;
    task.best_slack = INT64_MAX;
    task.spent = 0;
  }

  // From each start: try every single move, then tabu from the moves together that help against
  // a class, for each class; then from where annealing ends. Ends where one is wrong or the
  // evaluations are spent.
  void run() {
    for (int64_t s = 0; s < task_.start_count && !done(); ++s) {
      const int32_t *start = task_.starts + s * task_.cells.count;
      moveTo(start);
      const std::vector<Together> found = together();
      for (const Together &one : found) {
        if (done()) return;
        moveTo(one.cells.data());
        tabu();
      }
    }
    if (movable())
      for (int64_t round = 0; !done(); ++round) {
        anneal(round);
        tabu();
      }
  }

 private:
  struct Together {
    int64_t expected;  // slack, if the single moves' effects added up
    std::vector<int32_t> cells;
  };

  // Single moves from where the search stands, and for each class the helpful ones together,
  // the most promising class first.
  std::vector<Together> together() {
    const int64_t classes = state_.outputs(), pixels = task_.cells.count;
    const std::vector<T> here(state_.low(), state_.low() + classes);
    std::vector<Together> found(classes);
    std::vector<T> least(classes);
    for (int64_t j = 0; j < classes; ++j)
      found[j] = {int64_t(here[j]) - task_.need[j], std::vector<int32_t>(at_.begin(), at_.end())};
    for (int64_t i = 0; i < pixels && !done(); ++i) {
      std::fill(least.begin(), least.end(), T(0));
      for (int32_t c = task_.cells.start[i]; c < task_.cells.start[i + 1] && !done(); ++c) {
        if (c == at_[i]) continue;
        attempt(i, c);
        for (int64_t j = 0; j < classes; ++j) {
          const T change = state_.low()[j] - here[j];
          if (change >= least[j]) continue;
          least[j] = change;
          found[j].cells[i] = c;
        }
        undo(i);
      }
      for (int64_t j = 0; j < classes; ++j) found[j].expected += least[j];
    }
    found.erase(found.begin() + task_.label);
    std::stable_sort(found.begin(), found.end(), [](const Together &a, const Together &b) {
      return a.expected < b.expected;
    });
    if (found.size() > kClasses) found.resize(kClasses);
    return found;
  }

  static constexpr size_t kClasses = 3;

  bool movable() const {
    for (int64_t i = 0; i < task_.cells.count; ++i)
      if (size(i) > 1) return true;
    return false;
  }
  int32_t size(int64_t i) const { return task_.cells.start[i + 1] - task_.cells.start[i]; }
  bool done() const { return task_.best_slack < 0 || task_.spent >= task_.evaluations; }

  uint64_t draw(uint64_t below) {  // xorshift*
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    return (random_ * 2685821657736338717ULL >> 33) % below;
  }

  void place(int64_t i, int32_t cell) {
    const T value = T(task_.cells.pick[cell]);
    state_.set(task_.cells.pixel[i], value, value);
  }

  int64_t slack() { return least_slack(state_.low(), task_.need, state_.outputs(), task_.label); }

  int64_t moveTo(const int32_t *cells) {
    for (int64_t i = 0; i < task_.cells.count; ++i) {
      at_[i] = cells[i];
      place(i, cells[i]);
    }
    return look();
  }

  // Evaluate where the search stands, and remember the best.
  int64_t look() {
    state_.propagate();
    ++task_.spent;
    const int64_t found = slack();
    if (found < task_.best_slack) {
      task_.best_slack = found;
      std::copy(at_.begin(), at_.end(), task_.best);
    }
    return found;
  }

  int64_t attempt(int64_t i, int32_t cell) {
    const int32_t before = at_[i];
    at_[i] = cell;
    place(i, cell);
    const int64_t found = look();
    at_[i] = before;
    return found;
  }

  void undo(int64_t i) {
    place(i, at_[i]);
    state_.propagate();
  }

  // Take the best move of one pixel even when it does not help; the pixel then rests for a while.
  void tabu() {
    std::fill(free_at_.begin(), free_at_.end(), 0);
    int64_t best = slack(), stale = 0;
    for (int64_t step = 1; !done() && stale < task_.patience; ++step) {
      int64_t chosen = -1, found = INT64_MAX, equal = 0;
      int32_t cell = -1;
      for (int64_t i = 0; i < task_.cells.count && !done(); ++i) {
        if (free_at_[i] > step) continue;
        for (int32_t c = task_.cells.start[i]; c < task_.cells.start[i + 1] && !done(); ++c) {
          if (c == at_[i]) continue;
          const int64_t tried = attempt(i, c);
          undo(i);
          equal = tried == found ? equal + 1 : 1;
          if (tried < found || (tried == found && draw(equal) == 0)) {
            chosen = i;
            cell = c;
            found = tried;
          }
        }
      }
      if (chosen < 0) {
        if (!movable()) return;
        ++stale;  // all pixels rest
        continue;
      }
      at_[chosen] = cell;
      place(chosen, cell);
      state_.propagate();
      free_at_[chosen] = step + 1 + std::min<int64_t>(task_.tenure, task_.cells.count / 2);
      stale = found < best ? 0 : stale + 1;
      best = std::min(best, found);
    }
  }

  // From the best image so far, heat and cool: single moves kept with probability
  // exp(-rise / temperature).
  void anneal(int64_t round) {
    std::vector<int32_t> from(task_.best, task_.best + task_.cells.count);
    if (round % 2)
      for (int64_t i = 0; i < task_.cells.count; ++i)
        from[i] = task_.cells.start[i] + int32_t(draw(size(i)));
    int64_t now = moveTo(from.data());
    const int64_t moves = 20 * task_.cells.count;
    const double hot = 1 + std::abs(double(now)) / 4;
    for (int64_t move = 0; move < moves && !done(); ++move) {
      const int64_t i = draw(task_.cells.count);
      if (size(i) < 2) continue;
      int32_t cell = task_.cells.start[i] + int32_t(draw(size(i) - 1));
      cell += cell >= at_[i];
      const int64_t tried = attempt(i, cell);
      const double temperature = hot * double(moves - move) / double(moves);
      const double chance = std::exp(-double(tried - now) / temperature);
      if (tried <= now || double(draw(1 << 30)) / double(1 << 30) < chance) {
        at_[i] = cell;
        now = tried;
      } else {
        undo(i);
      }
    }
  }

  State<T> &state_;
  FlipTask &task_;
  std::vector<int32_t> at_;
  std::vector<int64_t> free_at_;
  uint64_t random_;
};

}  // namespace incremental
