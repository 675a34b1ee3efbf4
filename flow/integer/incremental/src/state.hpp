// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Values of all nodes for a box of images, kept up to date change by change.
//
// Every value is an interval [low, high]; of a single image both ends are equal. A LINEAR node
// keeps doubled = sum w (low + high) and spread = sum |w| (high - low), so that its ends are
// (doubled -+ spread) / 2 exactly. T holds twice the largest sum: the program is refused otherwise.

#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "program.hpp"

// One build serves every machine of its architecture: the loops over channels are chosen at load.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define STEELFLOW_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define STEELFLOW_CLONES
#endif

namespace incremental {

// sums += w * by, widths += |w| * wider
#define STEELFLOW_ADD_ROW(T)                                                                  \
  STEELFLOW_CLONES inline void add_row(T *sums, T *widths, const int32_t *w, T by, T wider,   \
                                       int32_t n) {                                           \
    if (wider == 0) {                                                                         \
      for (int32_t o = 0; o < n; ++o) sums[o] += T(w[o]) * by;                                \
      return;                                                                                 \
    }                                                                                         \
    for (int32_t o = 0; o < n; ++o) {                                                         \
      sums[o] += T(w[o]) * by;                                                                \
      widths[o] += T(w[o] < 0 ? -w[o] : w[o]) * wider;                                        \
    }                                                                                         \
  }
STEELFLOW_ADD_ROW(int32_t)
STEELFLOW_ADD_ROW(int64_t)

// How many of the thresholds steps[levels][n] the two ends of each sum reach.
#define STEELFLOW_COUNT(T)                                                                    \
  STEELFLOW_CLONES inline void count_reached(const T *doubled, const T *spread, const T *steps, \
                                             int64_t levels, int32_t n, T *low, T *high) {    \
    for (int32_t i = 0; i < n; ++i) low[i] = high[i] = 0;                                     \
    for (int64_t l = 0; l < levels; ++l, steps += n)                                          \
      for (int32_t i = 0; i < n; ++i) {                                                       \
        low[i] += ((doubled[i] - spread[i]) >> 1) >= steps[i];                                \
        high[i] += ((doubled[i] + spread[i]) >> 1) >= steps[i];                               \
      }                                                                                       \
  }
STEELFLOW_COUNT(int32_t)
STEELFLOW_COUNT(int64_t)

constexpr int64_t kMostFused = 32;  // thresholds of a channel that are all compared at once

template <class T>
class State {
 public:
  explicit State(const Program &program) : nodes_(program.nodes, program.nodes + program.node_count),
                                           values_(nodes_.size()) {
    for (size_t n = 0; n < nodes_.size(); ++n) {
      const Node &node = nodes_[n];
      Values &own = values_[n];
      own.low.assign(node.size, 0);
      own.high.assign(node.size, 0);
      own.stamp.assign(node.size, 0);
      if (node.kind == kLinear) {
        own.doubled.assign(node.size, 0);
        own.spread.assign(node.size, 0);
      }
      if (node.kind == kThreshold) {
        own.count_low.assign(node.size, 0);
        own.count_high.assign(node.size, 0);
      }
    }
    for (size_t n = 1; n < nodes_.size(); ++n) fuse(n);
    rebuild(1);
  }

  // Set one element of the image; propagate() carries it on. At most once before each propagate().
  void set(int32_t index, T low, T high) {
    Values &image = values_[0];
    if (image.low[index] == low && image.high[index] == high) return;
    image.changes.push_back({index, image.low[index], image.high[index]});
    image.low[index] = low;
    image.high[index] = high;
  }

  void propagate() {
    for (size_t n = 1; n < nodes_.size(); ++n) update(n, false);
    values_[0].changes.clear();
  }

  // Choose the weights of the last node, and evaluate it anew.
  void choose(int64_t variant) {
    if (variant == variant_) return;
    variant_ = variant;
    rebuild(nodes_.size() - 1);
  }

  const T *low() const { return values_.back().low.data(); }
  const T *high() const { return values_.back().high.data(); }
  int64_t outputs() const { return nodes_.back().size; }

 private:
  struct Change {
    int32_t index;
    T low, high;  // before
  };
  struct Values {
    std::vector<T> low, high, doubled, spread;
    std::vector<int32_t> count_low, count_high;
    std::vector<uint32_t> stamp;
    std::vector<int32_t> dirty;
    std::vector<Change> changes;
    std::vector<T> steps;  // of a threshold node that is fused with the sums it reads
    bool fused = false;    // of such sums: their dirty units are passed on, not their changes
    uint32_t round = 0;
  };

  // Let a threshold node that alone reads sums count on the sums themselves.
  void fuse(size_t n) {
    const Node &node = nodes_[n];
    if (node.kind != kThreshold || node.levels > kMostFused) return;
    const int64_t from = node.sources[0].node;
    int readers = 0;
    for (const Node &other : nodes_)
      for (int64_t s = 0; s < other.source_count; ++s) readers += other.sources[s].node == from;
    if (nodes_[from].kind != kLinear || readers != 1) return;
    if (nodes_[from].channels != node.channels) return;  // a flattened image between them
    values_[from].fused = true;
    std::vector<T> &steps = values_[n].steps;
    constexpr int64_t most = std::numeric_limits<T>::max(), least = std::numeric_limits<T>::min();
    for (int64_t l = 0; l < node.levels; ++l)
      for (int64_t c = 0; c < node.channels; ++c) {
        const int64_t value = node.thresholds[(node.rows == 1 ? 0 : c) * node.levels + l];
        steps.push_back(T(std::min(std::max(value, least), most)));
      }
    scratch_.resize(std::max<size_t>(scratch_.size(), 2 * node.channels));
  }

  // Evaluate the nodes from `first` on as if their inputs had just changed from 0.
  void rebuild(size_t first) {
    for (Values &own : values_) own.changes.clear();
    for (size_t n = first; n < nodes_.size(); ++n) {
      Values &own = values_[n];
      std::fill(own.low.begin(), own.low.end(), T(0));
      std::fill(own.high.begin(), own.high.end(), T(0));
      if (nodes_[n].kind == kLinear) {
        const int64_t *base = nodes_[n].base + variant_of(n) * nodes_[n].size;
        for (int64_t i = 0; i < nodes_[n].size; ++i) own.doubled[i] = T(2 * base[i]);
        std::fill(own.spread.begin(), own.spread.end(), T(0));
        std::vector<std::vector<Change>> kept;
        for (int64_t s = 0; s < nodes_[n].source_count; ++s) {
          Values &from = values_[nodes_[n].sources[s].node];
          kept.push_back(from.changes);
          from.changes.clear();
          for (size_t i = 0; i < from.low.size(); ++i)
            if (from.low[i] != 0 || from.high[i] != 0) from.changes.push_back({int32_t(i), 0, 0});
        }
        update(n, true);
        for (int64_t s = nodes_[n].source_count; s-- > 0;)
          values_[nodes_[n].sources[s].node].changes = kept[s];
      } else {
        update(n, true);
      }
    }
    for (Values &own : values_) own.changes.clear();
  }

  int64_t variant_of(size_t n) const { return n + 1 == nodes_.size() ? variant_ : 0; }

  void update(size_t n, bool all) {
    const Node &node = nodes_[n];
    Values &own = values_[n];
    own.changes.clear();
    bool touched = all;
    for (int64_t s = 0; s < node.source_count; ++s)
      touched |= pending(values_[node.sources[s].node]);
    if (!touched) {
      own.dirty.clear();
      return;
    }
    if (++own.round == 0) {  // the stamps have come round
      std::fill(own.stamp.begin(), own.stamp.end(), 0);
      own.round = 1;
    }
    if (node.kind == kLinear) linear(n, all);
    if (node.kind == kThreshold) threshold(n, all);
    if (node.kind == kMaxPool) max_pool(n, all);
  }

  static bool pending(const Values &from) {
    return from.fused ? !from.dirty.empty() : !from.changes.empty();
  }

  void store(Values &own, int32_t index, T low, T high) {
    if (own.low[index] == low && own.high[index] == high) return;
    own.changes.push_back({index, own.low[index], own.high[index]});
    own.low[index] = low;
    own.high[index] = high;
  }

  bool mark(Values &own, int32_t unit) {
    if (own.stamp[unit] == own.round) return false;
    own.stamp[unit] = own.round;
    own.dirty.push_back(unit);
    return true;
  }

  void linear(size_t n, bool all) {
    const Node &node = nodes_[n];
    Values &own = values_[n];
    own.dirty.clear();
    for (int64_t s = 0; s < node.source_count; ++s) {
      const Source &source = node.sources[s];
      const int32_t *weights = source.weights + variant_of(n) * source.variant_size;
      const Values &from = values_[source.node];
      for (const Change &change : from.changes) scatter(node, own, source, weights, from, change);
    }
    const int32_t channels = int32_t(node.channels);
    if (own.fused) return;
    if (all) {
      for (int32_t i = 0; i < node.size; ++i) settle(own, i);
      return;
    }
    for (int32_t unit : own.dirty)
      for (int32_t i = unit * channels, end = i + channels; i < end; ++i) settle(own, i);
  }

  void settle(Values &own, int32_t i) {
    store(own, i, T((own.doubled[i] - own.spread[i]) >> 1), T((own.doubled[i] + own.spread[i]) >> 1));
  }

  void scatter(const Node &node, Values &own, const Source &source, const int32_t *weights,
               const Values &from, const Change &change) {
    const T low = from.low[change.index], high = from.high[change.index];
    const T doubled = T((low + high) - (change.low + change.high));
    const T spread = T((high - low) - (change.high - change.low));
    const int32_t position = change.index / int32_t(source.channels);
    const int32_t channel = change.index % int32_t(source.channels);
    const int32_t shift = channel / int32_t(source.group) * int32_t(source.group_step);
    const int32_t length = int32_t(source.length);
    for (int32_t e = source.start[position]; e < source.start[position + 1]; ++e) {
      const int32_t out = source.out[e] + shift;
      const int32_t *w = weights + source.row[e] + channel * length;
      add_row(own.doubled.data() + out, own.spread.data() + out, w, doubled, spread, length);
      mark(own, out / int32_t(node.channels));
    }
  }

  void threshold(size_t n, bool all) {
    const Node &node = nodes_[n];
    Values &own = values_[n];
    const Values &from = values_[node.sources[0].node];
    if (from.fused) {
      const int32_t units = int32_t(node.size / node.channels);
      if (all)
        for (int32_t unit = 0; unit < units; ++unit) count_unit(node, own, from, unit);
      else
        for (int32_t unit : from.dirty) count_unit(node, own, from, unit);
      return;
    }
    if (all) {
      for (int32_t i = 0; i < node.size; ++i) count(node, own, from, i);
      return;
    }
    for (const Change &change : from.changes) count(node, own, from, change.index);
  }

  void count_unit(const Node &node, Values &own, const Values &from, int32_t unit) {
    const int32_t n = int32_t(node.channels), first = unit * n;
    T *low = scratch_.data(), *high = low + n;
    count_reached(from.doubled.data() + first, from.spread.data() + first, own.steps.data(),
                  node.levels, n, low, high);
    const T offset = T(node.offset), step = T(node.step);
    for (int32_t i = 0; i < n; ++i) store(own, first + i, offset + step * low[i], offset + step * high[i]);
  }

  void count(const Node &node, Values &own, const Values &from, int32_t i) {
    const int64_t *row = node.thresholds + (node.rows == 1 ? 0 : i % int32_t(node.channels)) * node.levels;
    walk(row, node.levels, from.low[i], own.count_low[i]);
    if (from.low[i] == from.high[i])
      own.count_high[i] = own.count_low[i];
    else
      walk(row, node.levels, from.high[i], own.count_high[i]);
    store(own, i, T(node.offset + node.step * own.count_low[i]),
          T(node.offset + node.step * own.count_high[i]));
  }

  static void walk(const int64_t *row, int64_t levels, T value, int32_t &count) {
    while (count < levels && value >= row[count]) ++count;
    while (count > 0 && value < row[count - 1]) --count;
  }

  void max_pool(size_t n, bool all) {
    const Node &node = nodes_[n];
    Values &own = values_[n];
    const Values &from = values_[node.sources[0].node];
    const int32_t channels = int32_t(node.channels);
    own.dirty.clear();
    if (all) {
      for (int32_t i = 0; i < node.size; ++i) pool(node, own, from, i);
      return;
    }
    for (const Change &change : from.changes) {
      const int32_t position = change.index / channels, channel = change.index % channels;
      for (int32_t e = node.start[position]; e < node.start[position + 1]; ++e)
        mark(own, node.out[e] * channels + channel);
    }
    for (int32_t i : own.dirty) pool(node, own, from, i);
  }

  void pool(const Node &node, Values &own, const Values &from, int32_t i) {
    const int32_t channels = int32_t(node.channels);
    const int32_t position = i / channels, channel = i % channels;
    const int32_t first = node.back_in[node.back_start[position]] * channels + channel;
    T low = from.low[first], high = from.high[first];
    for (int32_t e = node.back_start[position] + 1; e < node.back_start[position + 1]; ++e) {
      const int32_t j = node.back_in[e] * channels + channel;
      low = std::max(low, from.low[j]);
      high = std::max(high, from.high[j]);
    }
    store(own, i, low, high);
  }

  std::vector<T> scratch_;
  std::vector<Node> nodes_;
  std::vector<Values> values_;
  int64_t variant_ = 0;
};

}  // namespace incremental
