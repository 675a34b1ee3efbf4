// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// What Python plans and C++ executes. Python's mirror of these structures is _library.py; both have
// a version, which changes with any of them. Pointers belong to Python, which outlives the engine.
#pragma once

#include <cstdint>

namespace steelflow {

constexpr std::int64_t abi_version = 11;
constexpr std::int64_t lanes = 16;  // outputs of a panel of weights
constexpr std::int64_t slack = 256;  // bytes that may be touched after every buffer
constexpr std::int64_t channel_padding = 64;  // thresholds are padded to a multiple of this

enum Format : std::int64_t {
    format_u8,    // value = low + byte
    format_bits,  // value = low + step * code; code in planes of 32-bit words, [word][plane]
    format_i32,
    format_i64,
    format_nibbles,  // as bits, 4 / planes codes in a nibble, and each nibble in a byte, times 16
};

// Values of one operation: rows are pixels (1 for a vector), [image][pixel][channel].
struct Tensor {
    std::int64_t format;
    std::int64_t pixels;
    std::int64_t channels;
    std::int64_t row_bytes;
    // offset of its rows in the workspace, with room for a block of images; less than 0: the image
    std::int64_t arena;
    std::int64_t low;
    std::int64_t step;
    std::int64_t planes;
};

enum Kind : std::int64_t {
    kind_dot,        // u8 times s8, summed in int32
    kind_bits,       // planes of bits times -1, 0, 1, summed in int32
    kind_depthwise,  // u8 times int16, each channel alone, in int32
    kind_matrix,     // anything else, in int32 or int64
    kind_max,        // of u8 bytes or of integers
    kind_max_bits,
    kind_sum,
    kind_add,
    kind_concat,
    kind_gather,  // a row of an input, times a factor, for each pixel
    kind_tables,  // nibbles of codes times nibbles of weights, looked up and summed
    kind_max_nibbles,
};

enum Counting : std::int64_t {
    counting_none,
    counting_line,      // clamp(x * slope + start) in float, proven to count the thresholds
    counting_fine_line, // the same in double
    counting_compare,   // with one level at a time
    counting_search,    // binary search in one channel's thresholds
    counting_bytes,     // as compare, of the bytes of input 0 themselves
    counting_shorts,    // as compare, of sums in 16 bits without bias and scale
};

struct Op {
    std::int64_t kind;
    std::int64_t wide;  // sums are int64, else int32
    std::int64_t output;
    std::int64_t input_count;
    const std::int64_t* inputs;
    const std::int64_t* factors;  // of an addition; of a gather: input, row, factor of each pixel

    // Windows over (height, width) of input 0.
    std::int64_t height, width, out_height, out_width;
    std::int64_t kernel_height, kernel_width, stride_y, stride_x, top, left;

    std::int64_t groups;
    std::int64_t group_outputs;
    std::int64_t tile_rows;    // rows of output at a time
    std::int64_t steps;        // of 4 bytes, a word of 32 bits or a nibble along the sum
    std::int64_t panels;       // of 16 outputs, of one group
    // dot: steps whose pairs of products sum up within int16, 0 where one may pass it;
    // bits: whether weights hold zeros; tables: steps that sum up within a byte
    std::int64_t flag;
    std::int64_t scale;        // bits, tables: units of one count
    const std::uint8_t* weights;
    const std::uint8_t* table;   // tables: [nibble of activations][nibble of weights]
    const std::uint8_t* bias;    // int32 or int64, of every padded output
    const std::uint8_t* padding; // what stands outside the image, kernel_width pixels of one group

    // What becomes of the sums.
    std::int64_t counting;
    std::int64_t levels;
    // compare and shorts (less 1), bytes: [level][channel]; search: [channel][level]
    const std::uint8_t* thresholds;
    const std::uint8_t* slope;  // line: float or double
    const std::uint8_t* start;
    std::int64_t low;   // value = low + step * count
    std::int64_t step;

    // What a gradient needs to know, a byte for each output: where its bytes begin among those of
    // an image, less than 0 if none are kept. A maximum keeps 1 and the place in its window; 0
    // stands where the sum is not within trace_low..trace_high, else 1: int32 of every channel.
    std::int64_t trace;
    const std::uint8_t* trace_low;
    const std::uint8_t* trace_high;
};

struct Plan {
    std::int64_t abi;
    std::int64_t block;  // images at a time
    std::int64_t image_bytes;
    std::int64_t classes;
    std::int64_t arena_bytes;
    std::int64_t gather_bytes;  // of a tile of gathered windows
    std::int64_t sums_bytes;    // of a tile of sums
    std::int64_t row_bytes;     // of one row of sums
    std::int64_t taps_bytes;    // of the pixels of one window
    std::int64_t codes_bytes;   // of a tile of counts that become planes of bits
    std::int64_t last_bytes;    // of the longest row of output
    std::int64_t trace_bytes;   // of one image
    std::int64_t tensor_count;
    std::int64_t op_count;
    const Tensor* tensors;  // the first is the image
    const Op* ops;
};

// One thread's memory for a block of images; threads that share its rows share arena and image.
struct Workspace {
    std::uint8_t* arena;
    const std::uint8_t* image;  // first row of tensor 0
    std::uint8_t* gathered;
    std::uint8_t* sums;
    std::uint8_t* row;
    std::uint8_t* codes;
    std::uint8_t* last;  // a row before one that another thread writes
    std::uint8_t* taps;
    std::int32_t* logits;
    std::uint8_t* trace;  // null where none is kept
    std::int64_t images;
};

// Sums of products of a tile: c[rows][16 * panels] = bias + a[rows][steps] * b.
struct Product {
    const std::uint8_t* a;
    std::int64_t a_bytes;  // from row to row
    const std::uint8_t* b;
    const std::uint8_t* table;
    const std::int32_t* bias;
    std::int32_t* c;
    std::int16_t* shorts;  // if there, sums go there in 16 bits, in place of c and unscaled
    std::int64_t c_stride;
    std::int64_t rows, steps, panels;
    std::int64_t flag, scale, planes;
    // Tables: a row of `a` lies in `lines` pieces, from one to the next line_bytes.
    std::int64_t lines, line_bytes;
};

struct GradientPlan;
struct GradientSpace;

// The engine compiled for one instruction set.
struct Isa {
    const char* name;
    bool (*available)();
    // Compute rows `begin` to `end` of the output.
    void (*run)(const Plan&, std::int64_t op, const Workspace&, std::int64_t begin,
                std::int64_t end);
    // Products done in registers by one kind of kernel: dot, bits of one plane, or tables.
    double (*peak)(std::int64_t kind, std::int64_t planes, std::int64_t iterations);
    // Take one operation back, of images `begin` to `end`; see gradient.hpp.
    void (*pull)(const GradientPlan&, std::int64_t op, const GradientSpace&, std::int64_t begin,
                 std::int64_t end);
};

// The instruction set of a number; null after the last.
const Isa* isa_of(std::int64_t number);

extern const Isa portable;
extern const Isa avx2;
extern const Isa avx512;
extern const Isa neon;
extern const Isa neon_dot;

}  // namespace steelflow
