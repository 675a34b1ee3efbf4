// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// The pixels that matter in a ball, and the cells of the first thresholds that each may lie in.

#pragma once

#include <cstdint>

namespace incremental {

// Pixel i is image element pixel[i]; its cells are start[i] .. start[i + 1], ascending. All
// values low[c] .. high[c] of a cell mean the same to the network; pick[c] is one of them.
struct Cells {
  int64_t count;
  const int32_t *pixel, *start;
  const int32_t *low, *high, *pick;
};

// Margins are those of the label's logit over each class's. A class wins from margin need[j] - 1
// down: ties go to the lowest index, so that need is 1 for classes before the label, else 0.
template <class T>
int64_t least_slack(const T *margins, const int32_t *need, int64_t classes, int64_t label) {
  int64_t least = INT64_MAX;
  for (int64_t j = 0; j < classes; ++j)
    if (j != label && int64_t(margins[j]) - need[j] < least) least = int64_t(margins[j]) - need[j];
  return least;
}

}  // namespace incremental
