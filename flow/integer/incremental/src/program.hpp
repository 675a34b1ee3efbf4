// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// A network for evaluation by changes, as flow/integer/incremental/_program.py lays it out.
//
// A node's output is a flat array with the channels innermost. Node 0 is the image. LINEAR nodes
// add weights times the inputs to a base; all of sum pools, adds, biases and joins are such sums.

#pragma once

#include <cstdint>

namespace incremental {

constexpr int64_t kAbi = 1;

enum Kind : int64_t { kImage = 0, kLinear = 1, kThreshold = 2, kMaxPool = 3 };

// How one input of a LINEAR node reaches its outputs. Input element i is channel c = i % channels
// of position i / channels; entry e of the position adds weights[row[e] + c * length + o] * input
// to output element out[e] + (c / group) * group_step + o, for each o below length.
struct Source {
  int64_t node, channels, length, group, group_step;
  const int32_t *start, *out, *row;  // start has one more than there are positions
  const int32_t *weights;            // of variant 0; variant v begins v * variant_size further
  int64_t variant_size;
};

struct Node {
  int64_t kind, size, channels;
  int64_t source_count;
  const Source *sources;
  // LINEAR: int64[variants][size], what the outputs are where all inputs are 0
  const int64_t *base;
  // THRESHOLD: offset + step * how many of its channel's ascending thresholds the input reaches
  const int64_t *thresholds;  // [rows][levels]
  int64_t rows, levels, offset, step;
  // MAXPOOL, by positions: which outputs an input reaches, and which inputs an output reads
  const int32_t *start, *out, *back_start, *back_in;
};

struct Program {
  int64_t abi, wide;  // wide: sums need 64 bits
  int64_t node_count;
  const Node *nodes;
};

}  // namespace incremental
