// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Clocks a verilated sim_top: streams frames from a file in, and logits with cycle stamps out.
//
// Usage: simulate IN OUT FRAMES IN_BEATS OUT_BEATS WATCHDOG PACE STALL_IN STALL_OUT SEED
//                 WAVES FROM TO [+plusargs]
//   IN        beats of IN_BYTES bytes, little-endian; IN_BEATS of them a frame.
//   OUT       for each frame OUT_BEATS beats of OUT_BYTES bytes, then the cycle of its last beat
//             as a little-endian uint64.
//   WATCHDOG  cycles without a beat on either stream after which the simulation gives up.
//   PACE      cycles over which the beats of a frame are offered evenly; 0: as fast as they go.
//   STALL_*   probability, as a fraction of 2^32, that a stream is held back in a cycle.
//   WAVES     file for the waveforms of the cycles FROM to TO - 1, if compiled with waveforms; else
//             empty.
// Standard output: "frames N" now and then; at the end the occupancies that sim_top prints, then
//   "done CYCLES FIRST" (all cycles, the cycle of the first input beat), exit status 0; or the
//   streams that sim_top prints, then "stalled CYCLES FRAMES", exit status 3.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "Vsim_top.h"
#include "verilated.h"
#if VM_TRACE_FST
#include "verilated_fst_c.h"
#elif VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace {

struct Options {
    const char* in_path;
    const char* out_path;
    uint64_t frames, in_beats, out_beats, watchdog, pace, stall_in, stall_out, seed;
    const char* waves_path;
    uint64_t waves_from, waves_to;
};

Options parse(char** argv) {
    const auto number = [argv](int i) { return std::strtoull(argv[i], nullptr, 10); };
    return {argv[1],   argv[2],   number(3), number(4),  number(5), number(6),  number(7),
            number(8), number(9), number(10), argv[11],  number(12), number(13)};
}

#if VM_TRACE_FST
using Waveforms = VerilatedFstC;
#elif VM_TRACE
using Waveforms = VerilatedVcdC;
#endif

// The waveforms of some cycles, where the program is compiled with them. A cycle is 10 ns.
class Waves {
public:
    Waves(Vsim_top& top, const Options& options) : m_options{options} {
#if VM_TRACE
        Verilated::traceEverOn(true);
        top.trace(&m_file, 99);
        m_file.open(options.waves_path);
#else
        static_cast<void>(top);
#endif
    }

    ~Waves() {
#if VM_TRACE
        m_file.close();
#endif
    }

    void dump(uint64_t cycle, unsigned nanoseconds) {
#if VM_TRACE
        if (cycle >= m_options.waves_from && cycle < m_options.waves_to) {
            m_file.dump(cycle * 10 + nanoseconds);
        }
#else
        static_cast<void>(cycle + nanoseconds + m_options.waves_from);
#endif
    }

private:
    const Options& m_options;
#if VM_TRACE
    Waveforms m_file;
#endif
};

// splitmix64, the same on every machine.
class Random {
public:
    explicit Random(uint64_t seed) : m_state{seed} {}
    bool happens(uint64_t fraction) { return fraction && (next() >> 32) < fraction; }

private:
    uint64_t next() {
        uint64_t z = (m_state += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
    uint64_t m_state;
};

class Simulation {
public:
    explicit Simulation(const Options& options)
        : m_options{options},
          m_random{options.seed},
          m_in{std::fopen(options.in_path, "rb")},
          m_out{std::fopen(options.out_path, "wb")} {}

    ~Simulation() {
        if (m_in) std::fclose(m_in);
        if (m_out && std::fclose(m_out)) std::perror(m_options.out_path);
        m_top.final();
    }

    int run() {
        if (!m_in || !m_out) return std::perror("simulate"), 2;
        reset();
        while (m_frames < m_options.frames) {
            if (m_cycle - m_last_beat > m_options.watchdog) return finish_stalled();
            if (!cycle()) return 2;
        }
        return finish_done();
    }

private:
    void reset() {
        m_top.rst_ni = 0;
        for (int i = 0; i < 20; ++i) tick();
        m_top.rst_ni = 1;
        tick();
    }

    void tick() {
        m_top.clk_i = 0;
        m_top.eval();
        m_top.clk_i = 1;
        m_top.eval();
    }

    // One clock cycle; inputs change while the clock is low. False if a file fails.
    bool cycle() {
        m_top.clk_i = 0;
        if (!offer_input()) return false;
        m_top.out_ready_i = !m_random.happens(m_options.stall_out);
        m_top.eval();
        m_waves.dump(m_cycle, 0);
        if (m_top.in_valid_i && m_top.in_ready_o) take_input();
        if (m_top.out_valid_o && m_top.out_ready_i && !give_output()) return false;
        m_top.clk_i = 1;
        m_top.eval();
        m_waves.dump(m_cycle, 5);
        ++m_cycle;
        return true;
    }

    // A beat that was offered stays offered until it is taken.
    bool offer_input() {
        if (m_pending) return true;
        const bool due = m_sent < m_options.frames * m_options.in_beats
                         && m_cycle * m_options.in_beats >= m_sent * m_options.pace;
        m_pending = due && !m_random.happens(m_options.stall_in);
        m_top.in_valid_i = m_pending;
        if (!m_pending) return true;
        uint8_t bytes[IN_BYTES];
        if (std::fread(bytes, 1, IN_BYTES, m_in) != IN_BYTES) {
            return std::fprintf(stderr, "%s: too short\n", m_options.in_path), false;
        }
        for (size_t i = 0; i < (IN_BYTES + 3) / 4; ++i) m_top.in_data_i[i] = 0;
        for (size_t i = 0; i < IN_BYTES; ++i) {
            m_top.in_data_i[i / 4] |= IData{bytes[i]} << (i % 4 * 8);
        }
        return true;
    }

    void take_input() {
        if (m_sent++ == 0) m_first = m_cycle;
        m_pending = false;
        m_last_beat = m_cycle;
    }

    bool give_output() {
        uint8_t bytes[OUT_BYTES];
        for (size_t i = 0; i < OUT_BYTES; ++i) {
            bytes[i] = m_top.out_data_o[i / 4] >> (i % 4 * 8);
        }
        m_last_beat = m_cycle;
        if (std::fwrite(bytes, 1, OUT_BYTES, m_out) != OUT_BYTES) {
            return std::perror(m_options.out_path), false;
        }
        return ++m_received % m_options.out_beats || finish_frame();
    }

    bool finish_frame() {
        uint8_t stamp[8];
        for (int i = 0; i < 8; ++i) stamp[i] = m_cycle >> (i * 8);
        ++m_frames;
        const auto now = std::chrono::steady_clock::now();
        if (now - m_last_report > std::chrono::milliseconds{100}) {
            std::printf("frames %llu\n", static_cast<unsigned long long>(m_frames));
            std::fflush(stdout);
            m_last_report = now;
        }
        if (std::fwrite(stamp, 1, 8, m_out) != 8) return std::perror(m_options.out_path), false;
        return true;
    }

    int finish_done() {
        m_top.report_fifos_i = 1;
        m_top.eval();
        std::printf("done %llu %llu\n", static_cast<unsigned long long>(m_cycle),
                    static_cast<unsigned long long>(m_first));
        return std::fflush(m_out) ? 2 : 0;
    }

    int finish_stalled() {
        m_top.report_streams_i = 1;
        m_top.eval();
        std::printf("stalled %llu %llu\n", static_cast<unsigned long long>(m_cycle),
                    static_cast<unsigned long long>(m_frames));
        return 3;
    }

    const Options m_options;
    Random m_random;
    std::FILE* const m_in;
    std::FILE* const m_out;
    Vsim_top m_top{""};  // no name in front of the hierarchical names in plusargs
    Waves m_waves{m_top, m_options};
    bool m_pending = false;
    uint64_t m_cycle = 0, m_last_beat = 0, m_first = 0;
    uint64_t m_sent = 0, m_received = 0, m_frames = 0;
    std::chrono::steady_clock::time_point m_last_report{};
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 14) return std::fputs("simulate: 13 arguments are needed\n", stderr), 2;
    Verilated::commandArgs(argc, argv);
    return std::make_unique<Simulation>(parse(argv))->run();
}
