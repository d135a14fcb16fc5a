// Heat in a square plate whose upper edge is hot: the Jacobi iteration on a grid.
#pragma once

struct Heat {
    int iterations;   ///< until nothing changed any more
    double middle;    ///< temperature in the middle, between 0 and 1
    double residual;  ///< the largest change in the last iteration
};

/// Solves on a grid of `size` by `size` points with `threads` threads.
Heat solve(int size, int threads);
