// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Included before everything else of a model: what Verilator and the RTL print goes to its log.

#pragma once

#include <cstdarg>

__attribute__((format(printf, 1, 2))) void model_printf(const char* format, ...);
void model_vprintf(const char* format, va_list arguments);

#define VL_PRINTF model_printf
#define VL_VPRINTF model_vprintf
