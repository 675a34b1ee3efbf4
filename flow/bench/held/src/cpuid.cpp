// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Hides instruction sets from a whole process. Loaded before everything else (LD_PRELOAD), it lets
// the instruction CPUID fault (arch_prctl, Linux on processors that have it) and answers in its
// stead, less the features beyond the set that STEELFLOW_HELD_ISA names: avx2 or portable (SSE4.2).
// Each library then takes the kernels that it would take on such a processor, switch or none.
#include <csignal>
#include <cstdlib>
#include <cstring>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

namespace {

constexpr long arch_cpuid = 0x1012;  // ARCH_SET_CPUID: 0 lets CPUID fault in this thread
constexpr std::size_t instruction_bytes = 2;

struct Registers {
    unsigned a, b, c, d;
};

// Features of CPUID's leaves, by their bits (Intel SDM volume 2A, table 3-8).
constexpr unsigned bit(unsigned place) { return 1U << place; }
constexpr unsigned f16c_fma_avx = bit(29) | bit(12) | bit(28);  // leaf 1, ECX
constexpr unsigned avx2 = bit(5);                               // leaf 7, EBX
constexpr unsigned avx512_b =
    bit(16) | bit(17) | bit(21) | bit(26) | bit(27) | bit(28) | bit(30) | bit(31);
constexpr unsigned avx512_c = bit(1) | bit(6) | bit(8) | bit(11) | bit(12) | bit(14);
constexpr unsigned avx512_amx_d = bit(2) | bit(3) | bit(8) | bit(22) | bit(23) | bit(24) | bit(25);
constexpr unsigned vnni_bf16_ifma_a = bit(4) | bit(5) | bit(23);  // leaf 7.1, EAX

bool hides_avx2 = false;

void hide(unsigned leaf, unsigned part, Registers& found) {
    if (leaf == 1 && hides_avx2) found.c &= ~f16c_fma_avx;
    if (leaf != 7) return;
    if (part == 1) {
        found.a &= ~vnni_bf16_ifma_a;
        found.d = 0;  // AVX10, AVX-VNNI of other types
        return;
    }
    found.b &= ~(avx512_b | (hides_avx2 ? avx2 : 0U));
    found.c &= ~avx512_c;
    found.d &= ~avx512_amx_d;
}

void answer(int, siginfo_t*, void* context) {
    greg_t* state = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    const auto* code = reinterpret_cast<const unsigned char*>(state[REG_RIP]);
    if (std::memcmp(code, "\x0F\xA2", instruction_bytes) != 0) {  // a fault of the program's own
        std::signal(SIGSEGV, SIG_DFL);
        return;
    }
    const auto leaf = static_cast<unsigned>(state[REG_RAX]);
    const auto part = static_cast<unsigned>(state[REG_RCX]);
    Registers found{};
    syscall(SYS_arch_prctl, arch_cpuid, 1);
    __cpuid_count(leaf, part, found.a, found.b, found.c, found.d);
    syscall(SYS_arch_prctl, arch_cpuid, 0);
    hide(leaf, part, found);
    state[REG_RAX] = found.a, state[REG_RBX] = found.b;
    state[REG_RCX] = found.c, state[REG_RDX] = found.d;
    state[REG_RIP] += instruction_bytes;
}

__attribute__((constructor)) void begin() {
    const char* isa = std::getenv("STEELFLOW_HELD_ISA");
    if (isa == nullptr) return;
    hides_avx2 = std::strcmp(isa, "portable") == 0;
    struct sigaction action{};
    action.sa_sigaction = answer;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGSEGV, &action, nullptr);
    syscall(SYS_arch_prctl, arch_cpuid, 0);  // where it can't, the libraries' own switches remain
}

}  // namespace
#endif
