// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// `run_plans FILE ISA THREADS`: runs the engine on plans that test_native_foreign.py has written for
// another processor, and prints how many logits, and elements of gradients where there is a plan for
// them, differ from those beside them. A number is an int64,
// an array its size in bytes and then the bytes, each field of a structure in the order of plan.hpp.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <type_traits>
#include <vector>

#include "gradient.hpp"
#include "plan.hpp"

using namespace steelflow;

extern "C" const char* sf_isa_name(std::int64_t);
extern "C" std::int64_t sf_isa_available(std::int64_t);
extern "C" void* sf_create(const Plan*, std::int64_t);
extern "C" void sf_destroy(void*);
extern "C" std::int64_t sf_run(void*, const std::uint8_t*, std::int64_t, std::int32_t*,
                               std::uint8_t*, std::int64_t, double*);
extern "C" void* sg_create(const GradientPlan*, std::int64_t);
extern "C" void sg_destroy(void*);
extern "C" std::int64_t sg_run(void*, const std::uint8_t*, const float*, float*, std::int64_t,
                               std::int64_t);
extern "C" double sf_peak(std::int64_t, std::int64_t, std::int64_t, std::int64_t);

class File {
  public:
    explicit File(const char* path) : file_(std::fopen(path, "rb")) {
        if (!file_) std::exit(2);
    }
    ~File() { std::fclose(file_); }

    bool number(std::int64_t& value) { return std::fread(&value, 8, 1, file_) == 1; }

    // A number, or an array that begins a cache line and has slack after it.
    template <class Field>
    void field(Field& value) {
        if constexpr (std::is_pointer_v<Field>)
            value = reinterpret_cast<Field>(array());
        else
            number(value);
    }

    std::uint8_t* array(std::int64_t* size = nullptr) {
        std::int64_t bytes = 0;
        number(bytes);
        if (size) *size = bytes;
        if (!bytes) return nullptr;
        held_.emplace_back(static_cast<std::size_t>(bytes) + slack + 64);
        auto* begin = held_.back().data();
        begin += -reinterpret_cast<std::uintptr_t>(begin) % 64;
        if (std::fread(begin, 1, static_cast<std::size_t>(bytes), file_) == 0) std::exit(2);
        return begin;
    }

  private:
    std::FILE* file_;
    std::deque<std::vector<std::uint8_t>> held_;
};

template <class... Fields>
void read(File& file, Fields&... fields) {
    (file.field(fields), ...);
}

static void read_op(File& f, Op& o) {
    read(f, o.kind, o.wide, o.output, o.input_count, o.inputs, o.factors, o.height, o.width,
         o.out_height, o.out_width, o.kernel_height, o.kernel_width, o.stride_y, o.stride_x, o.top,
         o.left, o.groups, o.group_outputs, o.tile_rows, o.steps, o.panels, o.flag, o.scale,
         o.weights, o.table, o.bias, o.padding, o.counting, o.levels, o.thresholds, o.slope, o.start,
         o.low, o.step, o.trace, o.trace_low, o.trace_high);
}

// Read a plan of gradients, run it and return how many elements differ.
static std::int64_t run_gradient(File& file, const std::uint8_t* trace, std::int64_t count,
                                 std::int64_t isa, std::int64_t threads) {
    GradientPlan plan{};
    if (file.number(plan.abi); plan.abi == 0) return 0;
    read(file, plan.block, plan.image_floats, plan.trace_bytes, plan.entries, plan.runs,
         plan.logits, plan.image, plan.field_count, plan.op_count, plan.phase_count);
    std::vector<Field> fields(static_cast<std::size_t>(plan.field_count));
    std::vector<PullOp> ops(static_cast<std::size_t>(plan.op_count));
    std::vector<Phase> phases(static_cast<std::size_t>(plan.phase_count));
    for (Field& one : fields)
        read(file, one.height, one.width, one.channels, one.line, one.begin);
    for (PullOp& op : ops)
        read(file, op.kind, op.source, op.to, op.kernel_height, op.kernel_width, op.stride_y,
             op.stride_x, op.top, op.left, op.first, op.trace, op.weights);
    for (Phase& phase : phases) read(file, phase.end, phase.images);
    plan.fields = fields.data(), plan.ops = ops.data(), plan.phases = phases.data();
    const auto* given = reinterpret_cast<const float*>(file.array());
    std::int64_t bytes = 0;
    const auto* expected = reinterpret_cast<const float*>(file.array(&bytes));
    std::vector<float> found(static_cast<std::size_t>(bytes / 4));
    void* gradient = sg_create(&plan, isa);
    if (!gradient || !sg_run(gradient, trace, given, found.data(), count, threads)) std::exit(2);
    sg_destroy(gradient);
    std::int64_t differing = 0;
    for (std::size_t i = 0; i < found.size(); ++i) differing += found[i] != expected[i];
    return differing;
}

static std::int64_t number_of(const char* name) {
    for (std::int64_t isa = 0; sf_isa_name(isa); ++isa)
        if (!std::strcmp(sf_isa_name(isa), name) && sf_isa_available(isa)) return isa;
    std::fprintf(stderr, "%s: not on this processor\n", name);
    std::exit(3);
}

// Run one plan of the file; return the logits that differ, -1 at the file's end.
static std::int64_t run_next(File& file, std::int64_t isa, std::int64_t threads) {
    Plan plan{};
    if (!file.number(plan.abi)) return -1;
    read(file, plan.block, plan.image_bytes, plan.classes, plan.arena_bytes, plan.gather_bytes,
         plan.sums_bytes, plan.row_bytes, plan.taps_bytes, plan.codes_bytes, plan.last_bytes,
         plan.trace_bytes, plan.tensor_count, plan.op_count);
    std::vector<Tensor> tensors(static_cast<std::size_t>(plan.tensor_count));
    std::vector<Op> ops(static_cast<std::size_t>(plan.op_count));
    for (Tensor& t : tensors)
        read(file, t.format, t.pixels, t.channels, t.row_bytes, t.arena, t.low, t.step, t.planes);
    for (Op& op : ops) read_op(file, op);
    plan.tensors = tensors.data(), plan.ops = ops.data();
    std::int64_t count = 0;
    file.number(count);
    const std::uint8_t* images = file.array();
    const auto* expected = reinterpret_cast<const std::int32_t*>(file.array());
    std::vector<std::int32_t> found(static_cast<std::size_t>(count * plan.classes));
    std::vector<std::uint8_t> trace(static_cast<std::size_t>(count * plan.trace_bytes + slack));
    void* engine = sf_create(&plan, isa);
    if (!engine || !sf_run(engine, images, count, found.data(),
                           plan.trace_bytes ? trace.data() : nullptr, threads, nullptr))
        std::exit(2);
    sf_destroy(engine);
    std::int64_t differing = run_gradient(file, trace.data(), count, isa, threads);
    for (std::size_t i = 0; i < found.size(); ++i) differing += found[i] != expected[i];
    return differing;
}

int main(int, char** arguments) {
    File file(arguments[1]);
    const std::int64_t isa = number_of(arguments[2]);
    for (const std::int64_t kind : {kind_dot, kind_bits, kind_tables})
        if (sf_peak(isa, kind, 1, 10) <= 0) return 4;
    for (std::int64_t found; (found = run_next(file, isa, std::atol(arguments[3]))) >= 0;)
        std::printf("%lld\n", static_cast<long long>(found));
    return 0;
}
