// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Complete search: a box of cells is proven by interval bounds, or one pixel's cells are split.

#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cells.hpp"
#include "state.hpp"

namespace incremental {

enum Answer : int64_t { kProven = 0, kBroken = 1, kOpen = 2 };

struct TreeTask {
  Cells cells;
  const int32_t *need;
  int64_t label, evaluations, lookahead;
  int64_t tree_room;         // entries
  // results: the tree in the order in which it was walked, an entry (pixel, first value of the
  // upper half) for a split and (-1, 0) for a box that bounds prove
  int32_t *tree;             // [tree_room][2]
  int64_t tree_size;         // entries of the whole tree, also where there was no room
  int32_t *broken;           // [cells.count], cells of an image that is wrong
  int64_t answer, spent, leaves;
};

template <class T>
class Tree {
 public:
  Tree(State<T> &state, TreeTask &task) : state_(state), task_(task), first_(task.cells.count),
                                          last_(task.cells.count), gain_(task.cells.count),
                                          tried_(task.cells.count) {}

  void run() {
    task_.tree_size = task_.spent = task_.leaves = 0;
    for (int64_t i = 0; i < task_.cells.count; ++i) {
      first_[i] = task_.cells.start[i];
      last_[i] = task_.cells.start[i + 1] - 1;
      place(i);
    }
    task_.answer = prove(look());
  }

 private:
  struct Split {
    int64_t pixel = -1;
    int64_t lower = 0, upper = 0;  // what is lacking in the two halves
  };

  void place(int64_t i) {
    state_.set(task_.cells.pixel[i], T(task_.cells.low[first_[i]]), T(task_.cells.high[last_[i]]));
  }

  // Return how much the bounds lack for a proof, 0 if they prove the box, -1 if all of it is wrong.
  int64_t look() {
    state_.propagate();
    ++task_.spent;
    int64_t lacking = 0;
    const T *low = state_.low(), *high = state_.high();
    for (int64_t j = 0; j < state_.outputs(); ++j) {
      if (j == task_.label) continue;
      if (int64_t(high[j]) < task_.need[j]) return -1;
      lacking += std::max<int64_t>(0, task_.need[j] - int64_t(low[j]));
    }
    return lacking;
  }

  int64_t prove(int64_t lacking) {
    if (lacking < 0) {
      std::copy(first_.begin(), first_.end(), task_.broken);
      return kBroken;
    }
    if (lacking == 0) {
      emit(-1, 0);
      ++task_.leaves;
      return kProven;
    }
    const Split split = choose(lacking);
    if (split.pixel < 0) return kOpen;
    const int64_t p = split.pixel;
    const int32_t first = first_[p], last = last_[p], middle = (first + last) / 2;
    emit(task_.cells.pixel[p], task_.cells.low[middle + 1]);
    for (int half = 0; half < 2; ++half) {
      first_[p] = half ? middle + 1 : first;
      last_[p] = half ? last : middle;
      place(p);
      state_.propagate();
      const int64_t answer = prove(half ? split.upper : split.lower);
      first_[p] = first;
      last_[p] = last;
      if (answer != kProven) return answer;  // the state is left where it is
    }
    place(p);
    state_.propagate();
    return kProven;
  }

  void emit(int32_t pixel, int32_t value) {
    if (task_.tree_size < task_.tree_room) {
      task_.tree[2 * task_.tree_size] = pixel;
      task_.tree[2 * task_.tree_size + 1] = value;
    }
    ++task_.tree_size;
  }

  // Look at both halves of the most promising pixels; the one whose halves lack least is split.
  // A pixel's promise is the mean share of the lack that splitting it has saved so far.
  Split choose(int64_t lacking) {
    order_.clear();
    for (int64_t i = 0; i < task_.cells.count; ++i)
      if (first_[i] < last_[i]) order_.push_back(i);
    const size_t room = size_t(task_.lookahead);
    if (task_.spent > 1 && order_.size() > room) {
      std::partial_sort(order_.begin(), order_.begin() + room, order_.end(),
                        [&](int64_t a, int64_t b) {
                          return promise(a) != promise(b) ? promise(a) > promise(b) : a < b;
                        });
      order_.resize(room);
    }
    Split best;
    for (int64_t i : order_) {
      if (task_.spent >= task_.evaluations) return Split();
      const Split found = attempt(i);
      if (found.lower < 0) return found;
      learn(i, found, lacking);
      if (best.pixel < 0 || found.lower + found.upper < best.lower + best.upper) best = found;
      if (best.lower + best.upper == 0 || best.upper < 0) return best;
    }
    return best;
  }

  double promise(int64_t i) const { return tried_[i] ? gain_[i] / tried_[i] : 1.0; }

  void learn(int64_t i, const Split &found, int64_t lacking) {
    const double left = double(std::max<int64_t>(found.lower, 0) + std::max<int64_t>(found.upper, 0));
    gain_[i] += 1.0 - left / (2.0 * double(lacking));
    tried_[i] += 1.0;
  }

  Split attempt(int64_t i) {
    const int32_t first = first_[i], last = last_[i], middle = (first + last) / 2;
    Split found;
    found.pixel = i;
    last_[i] = middle;
    place(i);
    found.lower = look();
    last_[i] = last;
    if (found.lower >= 0) {
      first_[i] = middle + 1;
      place(i);
      found.upper = look();
      first_[i] = first;
    }
    place(i);
    state_.propagate();
    return found;
  }

  State<T> &state_;
  TreeTask &task_;
  std::vector<int32_t> first_, last_;
  std::vector<double> gain_, tried_;
  std::vector<int64_t> order_;
};

}  // namespace incremental
