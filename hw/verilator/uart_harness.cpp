// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// A verilated board with a UART, behind a pseudo-terminal: bytes of the terminal are bits on its pins.
//
// Usage: simulate CLOCK_HZ BAUD QUIET
//
// The first line on standard output is the terminal's name. Time goes on while there are bytes to
// send and for QUIET cycles after the line was last in use; then it stands still until bytes come.
// The end of standard input ends the process.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include "Vsim_top.h"
#include "verilated.h"

namespace {

constexpr uint64_t kReset = 1024;  // cycles before the first byte

// Counts cycles to bits: true once in clock / baud cycles, on average exactly.
class Bits {
public:
    Bits(uint64_t clock, uint64_t baud) : m_clock{clock}, m_baud{baud} {}
    void restart(uint64_t sixteenths) { m_phase = m_clock * sixteenths / 16; }
    bool next() {
        m_phase += m_baud;
        if (m_phase < m_clock) return false;
        m_phase -= m_clock;
        return true;
    }

private:
    uint64_t m_clock, m_baud, m_phase = 0;
};

class Sender {
public:
    Sender(uint64_t clock, uint64_t baud) : m_bits{clock, baud} {}
    bool busy() const { return m_left || !m_bytes.empty(); }
    void add(uint8_t byte) { m_bytes.push_back(byte); }
    size_t waiting() const { return m_bytes.size(); }

    bool step() {
        if (!m_left && !m_bytes.empty()) {
            m_frame = 0x200u | m_bytes.front() << 1;  // start bit, data, stop bit
            m_bytes.pop_front();
            m_left = 10;
            m_bits.restart(0);
        }
        const bool line = !m_left || (m_frame & 1);
        if (m_left && m_bits.next()) m_frame >>= 1, --m_left;
        return line;
    }

private:
    Bits m_bits;
    std::deque<uint8_t> m_bytes;
    unsigned m_frame = 0, m_left = 0;
};

class Receiver {
public:
    Receiver(uint64_t clock, uint64_t baud) : m_bits{clock, baud} {}
    bool busy() const { return m_place; }

    // The byte that ends in this cycle, or -1.
    int step(bool line) {
        if (!m_place) {
            if (!line) m_place = 1, m_bits.restart(8);
            return -1;
        }
        if (!m_bits.next()) return -1;
        if (m_place == 1 && line) return m_place = 0, -1;
        if (m_place > 1 && m_place < 10) m_byte = m_byte >> 1 | line << 7;
        if (m_place++ < 10) return -1;
        m_place = 0;
        return line ? m_byte & 0xff : -1;
    }

private:
    Bits m_bits;
    unsigned m_place = 0, m_byte = 0;
};

int open_terminal() {
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) || unlockpt(master)) std::perror("simulate"), std::exit(2);
    const int slave = open(ptsname(master), O_RDWR | O_NOCTTY);  // stays open: no hang-up
    termios mode;
    if (slave < 0 || tcgetattr(slave, &mode)) std::perror("simulate"), std::exit(2);
    cfmakeraw(&mode);
    tcsetattr(slave, TCSANOW, &mode);
    std::printf("%s\n", ptsname(master));
    std::fflush(stdout);
    return master;
}

// Take what has come, waiting for it if there is nothing to do; false at the end of the input.
bool receive(int terminal, Sender& sender, bool wait) {
    pollfd found[] = {{terminal, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    if (poll(found, 2, wait ? -1 : 0) < 0) return false;
    if (found[1].revents) {
        char ignored;
        if (read(STDIN_FILENO, &ignored, 1) <= 0) return false;
    }
    if (found[0].revents & POLLIN) {
        uint8_t bytes[4096];
        const ssize_t size = read(terminal, bytes, sizeof bytes);
        for (ssize_t i = 0; i < size; ++i) sender.add(bytes[i]);
    }
    return true;
}

void simulate(Vsim_top& top, int terminal, uint64_t clock, uint64_t baud, uint64_t quiet) {
    Sender sender{clock, baud};
    Receiver receiver{clock, baud};
    for (uint64_t cycle = 0, last = 0;; ++cycle) {
        if (cycle >= kReset && (cycle % 1024 == 0 || cycle - last > quiet)) {
            const bool idle = cycle - last > quiet;
            if (sender.waiting() < 4096 && !receive(terminal, sender, idle)) return;
            if (idle) last = cycle;
        }
        if (sender.busy() || receiver.busy()) last = cycle;
        top.rx_i = sender.step();
        top.clk_i = 0;
        top.eval();
        top.clk_i = 1;
        top.eval();
        const int byte = receiver.step(top.tx_o);
        const uint8_t found = static_cast<uint8_t>(byte);
        if (byte >= 0 && write(terminal, &found, 1) != 1) return;
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) return std::fputs("simulate: 3 arguments are needed\n", stderr), 2;
    Verilated::commandArgs(argc, argv);
    const auto top = std::make_unique<Vsim_top>();
    const int terminal = open_terminal();
    simulate(*top, terminal, std::strtoull(argv[1], nullptr, 0), std::strtoull(argv[2], nullptr, 0),
             std::strtoull(argv[3], nullptr, 0));
    top->final();
    return 0;
}
