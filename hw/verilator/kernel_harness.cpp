// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// A verilated kernel with a memory, driven over standard input and output: the virtual board.
//
// Usage: simulate BASE BYTES    the memory's address and size
//
// Requests are 24 bytes, little-endian: uint32 operation, uint32 key, uint64 a, uint64 b; WRITE's
// data follow. A reply is an int64, the value or a negative error; READ's data follow. Time stands
// still between requests. The end of the input ends the process.
//
//   1 GET    register a                 -> its value
//   2 PUT    register a, value b        -> 0
//   3 WRITE  b bytes to address a       -> 0, or -1 outside the memory
//   4 READ   b bytes from address a     -> b and the data, or -1
//   5 RUN    until the interrupt, at most a cycles -> 1 with an interrupt, else 0
//   6 SET    option `key` to a          -> 0, or -1 for no such option
//   7 CYCLE                             -> cycles since the start of the process
//   8 RESET  the kernel; not the memory -> 0
//
// The memory answers in order, LATENCY and up to JITTER cycles after an address (writes: after the
// last beat), and holds back every channel with the probability STALL of 2^32. Accesses that touch
// addresses FROM to TO - 1 meet FAULT: 2 SLVERR, 3 DECERR, 4 no answer, 5 no acceptance, the last two
// as long as they are set; outside the
// memory there is DECERR. A kernel that breaks a rule of AXI ends the process with status 4.

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <sys/mman.h>

#include "Vsim_top.h"
#include "verilated.h"

namespace {

constexpr uint64_t kBurstBeats = 16, kBoundary = 4096, kMaxWaiting = 64;
constexpr unsigned kOkay = 0, kDecodeError = 3, kSilent = 4, kRefused = 5;

[[noreturn]] void broken_rule(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    std::fputs("kernel: ", stderr);
    std::vfprintf(stderr, format, arguments);
    std::fputc('\n', stderr);
    std::exit(4);
}

// splitmix64, the same on every machine.
class Random {
public:
    void seed(uint64_t value) { m_state = value; }
    bool happens(uint64_t fraction) { return fraction && (next() >> 32) < fraction; }
    uint64_t below(uint64_t limit) { return limit ? next() % limit : 0; }

private:
    uint64_t next() {
        uint64_t z = (m_state += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
    uint64_t m_state = 0;
};

enum Option { kLatency, kJitter, kStall, kSeed, kReadFault, kWriteFault, kFrom, kTo, kOptions };

struct Traffic {
    uint64_t values[kOptions] = {};
    Random random;

    bool stalls() { return random.happens(values[kStall]); }
    uint64_t delay() { return values[kLatency] + random.below(values[kJitter] + 1); }
    bool touches(uint64_t first, uint64_t end) const {
        return first < values[kTo] && end > values[kFrom];
    }
};

class Storage {
public:
    Storage(uint64_t base, uint64_t size) : m_base{base}, m_size{size} {
        void* found = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (found == MAP_FAILED) std::perror("simulate"), std::exit(2);
        m_bytes = static_cast<uint8_t*>(found);
    }
    bool holds(uint64_t address, uint64_t size) const {
        return address >= m_base && size <= m_size && address - m_base <= m_size - size;
    }
    uint8_t* at(uint64_t address) { return m_bytes + (address - m_base); }

private:
    uint64_t m_base, m_size;
    uint8_t* m_bytes;
};

struct Burst {
    uint64_t address, beats, due;
    unsigned response;
};

class Board {
public:
    Board(uint64_t base, uint64_t size) : m_storage{base, size} { reset(); }
    ~Board() { m_top.final(); }

    void reset() {
        m_reads.clear(), m_writes.clear(), m_answers.clear();
        m_beat = m_written = 0;
        m_r_offered = m_b_offered = false;
        m_top.rst_ni = 0;
        m_top.ctl_awvalid_i = m_top.ctl_wvalid_i = m_top.ctl_arvalid_i = 0;
        m_top.ctl_bready_i = m_top.ctl_rready_i = 1;
        for (int i = 0; i < 20; ++i) cycle();
        m_top.rst_ni = 1;
        cycle();
    }

    uint64_t get(uint64_t address) {
        m_top.ctl_araddr_i = address;
        m_top.ctl_arvalid_i = 1;
        wait_for(m_top.ctl_arready_o);
        m_top.ctl_arvalid_i = 0;
        uint64_t value = 0;
        wait_for(m_top.ctl_rvalid_o, [&] { value = m_top.ctl_rdata_o; });
        return value;
    }

    void put(uint64_t address, uint64_t value) {
        m_top.ctl_awaddr_i = address;
        m_top.ctl_wdata_i = value;
        m_top.ctl_wstrb_i = 15;
        m_top.ctl_awvalid_i = 1;
        wait_for(m_top.ctl_awready_o);
        m_top.ctl_awvalid_i = 0;
        m_top.ctl_wvalid_i = 1;
        wait_for(m_top.ctl_wready_o);
        m_top.ctl_wvalid_i = 0;
        wait_for(m_top.ctl_bvalid_o);
    }

    bool run(uint64_t cycles) {
        for (; cycles && !m_top.interrupt_o; --cycles) cycle();
        return m_top.interrupt_o;
    }

    bool set(uint64_t option, uint64_t value) {
        if (option >= kOptions) return false;
        m_traffic.values[option] = value;
        if (option == kSeed) m_traffic.random.seed(value);
        return true;
    }

    uint64_t cycles() const { return m_cycle; }
    Storage& storage() { return m_storage; }

private:
    // Clock until a flag is up before the edge; `seen` runs then.
    template <typename Flag, typename Seen>
    void wait_for(const Flag& flag, Seen seen) {
        for (int patience = 1000; patience; --patience) {
            offer();
            const bool up = flag;
            if (up) seen();
            edge();
            if (up) return;
        }
        broken_rule("AXI4-Lite: no answer in 1000 cycles");
    }
    template <typename Flag>
    void wait_for(const Flag& flag) {
        wait_for(flag, [] {});
    }

    void cycle() {
        offer();
        edge();
    }

    // Memory's outputs while the clock is low.
    void offer() {
        m_top.clk_i = 0;
        const auto& faults = m_traffic.values;
        m_top.mem_arready_i = m_reads.size() < kMaxWaiting && !m_traffic.stalls()
                              && !refuses(m_top.mem_arvalid_o, m_top.mem_araddr_o,
                                          m_top.mem_arlen_o, faults[kReadFault]);
        m_top.mem_awready_i = m_writes.size() < kMaxWaiting && !m_traffic.stalls()
                              && !refuses(m_top.mem_awvalid_o, m_top.mem_awaddr_o,
                                          m_top.mem_awlen_o, faults[kWriteFault]);
        m_top.mem_wready_i = !m_traffic.stalls();
        offer_read();
        offer_answer();
        m_top.eval();
    }

    bool refuses(bool valid, uint64_t address, uint64_t len, uint64_t fault) const {
        return valid && fault == kRefused
               && m_traffic.touches(address, address + (len + 1) * DATA_BYTES);
    }

    // A burst that met silence is answered when the fault is taken back.
    bool answers(Burst& burst, Option fault) {
        if (burst.response == kSilent && m_traffic.values[fault] != kSilent) {
            burst.response = kOkay;
        }
        return burst.response != kSilent && burst.due <= m_cycle;
    }

    void offer_read() {
        if (!m_r_offered) {
            m_r_offered = !m_reads.empty() && answers(m_reads.front(), kReadFault)
                          && !m_traffic.stalls();
        }
        m_top.mem_rvalid_i = m_r_offered;
        if (!m_r_offered) return;
        const Burst& burst = m_reads.front();
        m_top.mem_rresp_i = burst.response;
        m_top.mem_rlast_i = m_beat + 1 == burst.beats;
        uint8_t bytes[DATA_BYTES] = {};
        const uint64_t address = burst.address + m_beat * DATA_BYTES;
        if (m_storage.holds(address, DATA_BYTES)) {
            std::memcpy(bytes, m_storage.at(address), DATA_BYTES);
        }
        for (int i = 0; i < DATA_BYTES / 4; ++i) std::memcpy(&m_top.mem_rdata_i[i], bytes + 4 * i, 4);
    }

    void offer_answer() {
        if (!m_b_offered) {
            m_b_offered = !m_answers.empty() && answers(m_answers.front(), kWriteFault)
                          && !m_traffic.stalls();
        }
        m_top.mem_bvalid_i = m_b_offered;
        if (m_b_offered) m_top.mem_bresp_i = m_answers.front().response;
    }

    // What was handed over, then the edge.
    void edge() {
        if (m_top.rst_ni) {
            check_stable();
            take_addresses();
            take_data();
            if (m_top.mem_rvalid_i && m_top.mem_rready_o) finish_beat();
            if (m_top.mem_bvalid_i && m_top.mem_bready_o) m_answers.pop_front(), m_b_offered = false;
        }
        m_top.clk_i = 1;
        m_top.eval();
        ++m_cycle;
    }

    void finish_beat() {
        m_r_offered = false;
        if (++m_beat == m_reads.front().beats) m_reads.pop_front(), m_beat = 0;
    }

    // A channel that was offered and not taken must be offered again.
    void check_stable() {
        const bool waits[] = {m_top.mem_arvalid_o && !m_top.mem_arready_i,
                              m_top.mem_awvalid_o && !m_top.mem_awready_i,
                              m_top.mem_wvalid_o && !m_top.mem_wready_i};
        const uint64_t offers[] = {m_top.mem_araddr_o, m_top.mem_awaddr_o, m_top.mem_wdata_o[0]};
        const bool valid[] = {bool(m_top.mem_arvalid_o), bool(m_top.mem_awvalid_o),
                              bool(m_top.mem_wvalid_o)};
        for (int i = 0; i < 3; ++i) {
            if (m_waited[i] && !(valid[i] && offers[i] == m_offered[i])) {
                broken_rule("AXI: %s was withdrawn", i == 0 ? "AR" : i == 1 ? "AW" : "W");
            }
            m_waited[i] = waits[i];
            m_offered[i] = offers[i];
        }
    }

    Burst checked(uint64_t address, uint64_t len, uint64_t fault) {
        const uint64_t beats = len + 1, end = address + beats * DATA_BYTES;
        if (beats > kBurstBeats || address % DATA_BYTES || (end - 1) / kBoundary != address / kBoundary) {
            broken_rule("AXI: %llu beats at 0x%llx", static_cast<unsigned long long>(beats),
                        static_cast<unsigned long long>(address));
        }
        unsigned response = kOkay;
        if (!m_storage.holds(address, beats * DATA_BYTES)) response = kDecodeError;
        else if (fault && m_traffic.touches(address, end)) response = fault;
        return {address, beats, m_cycle + m_traffic.delay(), response};
    }

    void take_addresses() {
        if (m_top.mem_arvalid_o && m_top.mem_arready_i) {
            m_reads.push_back(checked(m_top.mem_araddr_o, m_top.mem_arlen_o,
                                      m_traffic.values[kReadFault]));
        }
        if (m_top.mem_awvalid_o && m_top.mem_awready_i) {
            m_writes.push_back(checked(m_top.mem_awaddr_o, m_top.mem_awlen_o,
                                       m_traffic.values[kWriteFault]));
        }
    }

    // Data may come before their address; they are kept until both are there.
    void take_data() {
        if (m_top.mem_wvalid_o && m_top.mem_wready_i) {
            Beat beat;
            for (int i = 0; i < DATA_BYTES / 4; ++i) std::memcpy(beat.bytes + 4 * i, &m_top.mem_wdata_o[i], 4);
            beat.keep = m_top.mem_wstrb_o;
            beat.last = m_top.mem_wlast_o;
            m_beats.push_back(beat);
        }
        while (!m_writes.empty() && !m_beats.empty()) store(m_writes.front(), m_beats.front());
    }

    struct Beat {
        uint8_t bytes[DATA_BYTES];
        uint64_t keep;
        bool last;
    };

    void store(Burst& burst, const Beat& beat) {
        const uint64_t address = burst.address + m_written * DATA_BYTES;
        const bool last = ++m_written == burst.beats;
        if (beat.last != last) broken_rule("AXI: WLAST with beat %d", static_cast<int>(m_written));
        for (int i = 0; burst.response == kOkay && i < DATA_BYTES; ++i) {
            if (beat.keep >> i & 1) *m_storage.at(address + i) = beat.bytes[i];
        }
        m_beats.pop_front();
        if (!last) return;
        burst.due = m_cycle + m_traffic.delay();
        m_answers.push_back(burst);
        m_writes.pop_front();
        m_written = 0;
    }

    Vsim_top m_top;
    Storage m_storage;
    Traffic m_traffic;
    std::deque<Burst> m_reads, m_writes, m_answers;
    std::deque<Beat> m_beats;
    uint64_t m_cycle = 0, m_beat = 0, m_written = 0;
    bool m_r_offered = false, m_b_offered = false;
    bool m_waited[3] = {};
    uint64_t m_offered[3] = {};
};

struct Request {
    uint32_t operation, key;
    uint64_t a, b;
};

bool receive(void* data, size_t size) { return std::fread(data, 1, size, stdin) == size; }
bool send(const void* data, size_t size) { return std::fwrite(data, 1, size, stdout) == size; }
bool reply(int64_t value) { return send(&value, sizeof value); }

bool write_memory(Storage& storage, const Request& request) {
    if (storage.holds(request.a, request.b)) {
        return receive(storage.at(request.a), request.b) && reply(0);
    }
    for (uint64_t i = 0; i < request.b; ++i) {
        if (std::getchar() == EOF) return false;
    }
    return reply(-1);
}

bool read_memory(Storage& storage, const Request& request) {
    if (!storage.holds(request.a, request.b)) return reply(-1);
    return reply(static_cast<int64_t>(request.b)) && send(storage.at(request.a), request.b);
}

bool answer(Board& board, const Request& request) {
    switch (request.operation) {
        case 1: return reply(static_cast<int64_t>(board.get(request.a)));
        case 2: return board.put(request.a, request.b), reply(0);
        case 3: return write_memory(board.storage(), request);
        case 4: return read_memory(board.storage(), request);
        case 5: return reply(board.run(request.a));
        case 6: return reply(board.set(request.key, request.a) ? 0 : -1);
        case 7: return reply(static_cast<int64_t>(board.cycles()));
        case 8: return board.reset(), reply(0);
        default: return reply(-1);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return std::fputs("simulate: 2 arguments are needed\n", stderr), 2;
    Verilated::commandArgs(argc, argv);
    const auto board = std::make_unique<Board>(std::strtoull(argv[1], nullptr, 0),
                                               std::strtoull(argv[2], nullptr, 0));
    Request request;
    while (receive(&request, sizeof request)) {
        if (!answer(*board, request) || std::fflush(stdout)) return 2;
    }
    return 0;
}
