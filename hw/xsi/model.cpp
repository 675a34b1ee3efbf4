// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// C interface of one verilated module, whatever its ports: they are listed with their addresses,
// so that the caller reads and writes them in place.
//
//   model_open(LOG, TRACE)   a new model at time 0, or null; paths may be null. TRACE is a VCD file.
//   model_port(M, I, PORT)   fills PORT with port I; 0 if there is none.
//   model_eval(M, PICOS)     lets PICOS picoseconds pass and evaluates; 0 if the model failed.
//   model_close(M)           runs the final blocks and frees the model.
//   model_error()            what went wrong in the last call that failed.

#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include "Vmodel.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace {

std::FILE* g_log = nullptr;  // of the model that runs; several may be open, one runs at a time
std::string g_last_error_line;
std::string g_error;

struct FileCloser {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

class Model {
public:
    Model(const char* log_path, const char* trace_path) {
        if (log_path && !(m_log = std::unique_ptr<std::FILE, FileCloser>{
                              std::fopen(log_path, "w")})) {
            throw std::runtime_error{std::string{log_path} + ": cannot be written"};
        }
        g_log = m_log.get();
        const char* arguments[] = {"model"};  // no plusargs; RTL that asks for some must know
        m_context->commandArgs(1, arguments);
        m_context->fatalOnError(false);
        m_context->traceEverOn(trace_path != nullptr);
        m_top = std::make_unique<Vmodel>(m_context.get(), "");
        open_trace(trace_path);
    }

    ~Model() { g_log = nullptr; }

    Vmodel& top() { return *m_top; }

    void eval(uint64_t picoseconds) {
        if (m_failed) throw std::runtime_error{"the model failed before"};
        g_log = m_log.get();
        g_last_error_line.clear();
        m_failed = true;  // unless all of this ends well
        m_context->timeInc(picoseconds);
        m_top->eval();
#if VM_TRACE
        if (m_trace) m_trace->dump(m_context->time());
#endif
        if (m_context->gotError()) throw std::runtime_error{g_last_error_line};
        m_failed = false;
    }

    void finish() {
        g_log = m_log.get();
        if (!m_failed) m_top->final();
#if VM_TRACE
        if (m_trace) m_trace->close();
#endif
    }

private:
    void open_trace(const char* path) {
        if (!path) return;
#if VM_TRACE
        m_trace = std::make_unique<VerilatedVcdC>();
        m_top->trace(m_trace.get(), 99);
        m_trace->open(path);
        if (!m_trace->isOpen()) throw std::runtime_error{std::string{path} + ": cannot be written"};
#else
        throw std::runtime_error{std::string{path} + ": no trace, the model was compiled without"};
#endif
    }

    std::unique_ptr<std::FILE, FileCloser> m_log;
    std::unique_ptr<VerilatedContext> m_context = std::make_unique<VerilatedContext>();
    std::unique_ptr<Vmodel> m_top;
#if VM_TRACE
    std::unique_ptr<VerilatedVcdC> m_trace;
#endif
    bool m_failed = false;
};

void set_error(const std::exception& error) { g_error = error.what(); }

}  // namespace

void model_printf(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    model_vprintf(format, arguments);
    va_end(arguments);
}

void model_vprintf(const char* format, va_list arguments) {
    char line[1024];
    std::vsnprintf(line, sizeof line, format, arguments);
    if (g_log) std::fputs(line, g_log);
    std::string text{line};
    if (text.find("%Error") != std::string::npos || text.find("%Fatal") != std::string::npos) {
        text.erase(text.find_last_not_of('\n') + 1);
        if (g_last_error_line.empty()) g_last_error_line = text;
    }
}

// In place of Verilator's, which aborts the process.
void vl_fatal(const char* filename, int line, const char*, const char* message) {
    throw std::runtime_error{std::string{filename} + ":" + std::to_string(line) + ": " + message};
}

extern "C" {

struct ModelPort {
    const char* name;
    uint32_t is_input;
    uint32_t width;
    void* data;
    uint64_t bytes;
};

__attribute__((visibility("default"))) void* model_open(const char* log, const char* trace) try {
    return std::make_unique<Model>(log, trace).release();
} catch (const std::exception& error) {
    return set_error(error), nullptr;
}

__attribute__((visibility("default"))) int model_port(void* model, uint32_t index,
                                                      ModelPort* port) {
    Vmodel& top = static_cast<Model*>(model)->top();
    const ModelPort ports[] = {
#define PORT(name, is_input, width, member) {name, is_input, width, &top.member, sizeof top.member},
#include "ports.inc"
#undef PORT
        {}};
    if (index >= sizeof ports / sizeof *ports - 1) return 0;
    *port = ports[index];
    return 1;
}

__attribute__((visibility("default"))) int model_eval(void* model, uint64_t picoseconds) try {
    static_cast<Model*>(model)->eval(picoseconds);
    return 1;
} catch (const std::exception& error) {
    return set_error(error), 0;
}

__attribute__((visibility("default"))) int model_close(void* model) try {
    std::unique_ptr<Model>{static_cast<Model*>(model)}->finish();
    return 1;
} catch (const std::exception& error) {
    return set_error(error), 0;
}

__attribute__((visibility("default"))) const char* model_error() { return g_error.c_str(); }

}  // extern "C"
