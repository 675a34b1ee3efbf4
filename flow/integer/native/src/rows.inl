// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Rows of values: one a pixel, channels side by side; and the windows over them.

struct Place {
    std::int64_t image, y, x;
};

static Place place_of(const Op& op, std::int64_t row) {
    const std::int64_t pixels = op.out_height * op.out_width;
    const std::int64_t pixel = row % pixels;
    return {row / pixels, pixel / op.out_width, pixel % op.out_width};
}

static void advance(const Op& op, Place& place) {
    if (++place.x < op.out_width) return;
    place.x = 0;
    if (++place.y < op.out_height) return;
    place.y = 0;
    ++place.image;
}

static const std::uint8_t* rows_of(const Tensor& tensor, const Workspace& space) {
    return space.arena + tensor.arena;
}

static std::uint8_t* row_at(const Tensor& tensor, const Workspace& space, std::int64_t row) {
    return space.arena + tensor.arena + row * tensor.row_bytes;
}

// Call visit(c) for every channel, in whole groups of 16: arrays have slack, and no two overlap.
template <class Visit>
static inline void each_lane(std::int64_t channels, Visit visit) {
    for (std::int64_t first = 0; first < channels; first += lanes)
#pragma GCC ivdep
        for (std::int64_t i = 0; i < lanes; ++i) visit(first + i);
}

// Copy and touch up to 31 bytes after both ends.
static inline void copy_spilling(std::uint8_t* to, const std::uint8_t* from, std::int64_t bytes) {
    for (std::int64_t done = 0; done < bytes; done += 32) std::memcpy(to + done, from + done, 32);
}

template <class Sum>
static void load_row(const Tensor& in, const std::uint8_t* row, std::int64_t first,
                     std::int64_t count, Sum* to) {
    const std::int32_t* narrow = reinterpret_cast<const std::int32_t*>(row) + first;
    const std::int64_t* wide = reinterpret_cast<const std::int64_t*>(row) + first;
    const Sum low = static_cast<Sum>(in.low);
    switch (in.format) {
        case format_u8:
            return each_lane(count, [=](std::int64_t c) { to[c] = low + row[first + c]; });
        case format_i32:
            return each_lane(count, [=](std::int64_t c) { to[c] = narrow[c]; });
        default:
            each_lane(count, [=](std::int64_t c) { to[c] = static_cast<Sum>(wide[c]); });
    }
}

// Call visit(tap, row) for every pixel of the window at a place that lies inside the image.
template <class Visit>
static void visit_window(const Op& op, const Tensor& in, const Workspace& space, const Place& place,
                         Visit visit) {
    const std::int64_t y = place.y * op.stride_y - op.top, x = place.x * op.stride_x - op.left;
    for (std::int64_t ky = 0; ky < op.kernel_height; ++ky) {
        if (y + ky < 0 || y + ky >= op.height) continue;
        for (std::int64_t kx = 0; kx < op.kernel_width; ++kx) {
            if (x + kx < 0 || x + kx >= op.width) continue;
            const std::int64_t pixel = (place.image * op.height + y + ky) * op.width + x + kx;
            visit(ky * op.kernel_width + kx, row_at(in, space, pixel));
        }
    }
}
