// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// The way back: from a gradient of the logits to that of the images, with what the engine traced on
// the way there. Every sum is of float32 products in one order, each rounded, so that all
// instruction sets give the same bits. Python's mirror is _gradient_library.py.
#pragma once

#include <cstdint>

namespace steelflow {

constexpr std::int64_t gradient_abi_version = 1;
constexpr std::int64_t gradient_block = 64;  // channels whose weights lie together

// The gradient of a value, float[height][width][channels], inside a margin that takes what belongs
// to padding.
struct Field {
    std::int64_t height, width, channels;
    std::int64_t line;   // floats from row to row, of pixels with their margins
    std::int64_t begin;  // floats of an image's memory before the first pixel
};

enum Pull : std::int64_t {
    pull_products,   // of a convolution or a dense layer
    pull_depthwise,  // of a convolution of each channel alone
    pull_counts,     // of thresholds, in place
    pull_max,
    pull_sum,        // of windows
    pull_term,       // of an addition or a concatenation
};

struct PullOp {
    std::int64_t kind;
    std::int64_t source, to;  // fields: of the output, and of the input that it was computed from
    // Windows over the input.
    std::int64_t kernel_height, kernel_width, stride_y, stride_x, top, left;
    std::int64_t first;    // channel of the output where the input's begin
    std::int64_t trace;    // where its bytes begin; see Op
    // products: [lines of the kernel, 4 where one has 16 lanes or fewer, else 1][64 lanes or fewer]
    // [64 channels of the output or fewer], each [channel][line][lane]; depthwise: [tap][channel]; counts: what gradients are multiplied by, [channel];
    // term: the factor
    const float* weights;
};

// Operations from the last to the first. Those of a phase take `images` images at a time.
struct Phase {
    std::int64_t end;  // its first operation is the end of the phase before
    std::int64_t images;
};

struct GradientPlan {
    std::int64_t abi;
    std::int64_t block;         // images at a time
    std::int64_t image_floats;  // memory of one image
    std::int64_t trace_bytes;   // of one image
    std::int64_t entries;       // most that are not 0 in the output of a sum of products
    std::int64_t runs;          // most pixels times blocks of channels there
    std::int64_t logits, image; // fields
    std::int64_t field_count, op_count, phase_count;
    const Field* fields;
    const PullOp* ops;
    const Phase* phases;
};

// Values that are not 0, and each one's channel in its block.
struct Entries {
    float* values;
    std::int32_t* channels;

    Entries after(std::int64_t count) const { return {values + count, channels + count}; }
};

// One thread's memory for a block of images.
struct GradientSpace {
    float* values;              // [image][image_floats]
    const std::uint8_t* trace;  // [image][trace_bytes]
    float* entries;             // [image][entries]
    std::int32_t* channels;     // the same, of each entry
    std::int32_t* runs;         // [image][runs]: how many entries each has
};

}  // namespace steelflow
