#include "heat.h"

#include <algorithm>
#include <cmath>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr double CONVERGED = 1e-6;
constexpr int AT_MOST = 200000;

class Plate {
public:
    explicit Plate(int size) : size_(size), points_(static_cast<size_t>(size) * size, 0.0) {
        std::fill(points_.begin(), points_.begin() + size, 1.0);
    }
    double &at(int row, int column) { return points_[index(row, column)]; }
    double at(int row, int column) const { return points_[index(row, column)]; }

private:
    size_t index(int row, int column) const {
        return static_cast<size_t>(row) * size_ + static_cast<size_t>(column);
    }
    int size_;
    std::vector<double> points_;
};

/// One iteration over some of the rows; gives the largest change.
double iterate(const Plate &from, Plate &to, int first, int last, int size) {
    double change = 0;
    for (int row = first; row < last; ++row) {
        for (int column = 1; column < size - 1; ++column) {
            const double value = 0.25 * (from.at(row - 1, column) + from.at(row + 1, column) +
                                         from.at(row, column - 1) + from.at(row, column + 1));
            change = std::max(change, std::abs(value - from.at(row, column)));
            to.at(row, column) = value;
        }
    }
    return change;
}

}  // namespace

Heat solve(int size, int threads) {
    Plate now(size), next(size);
    const int rows = size - 2;
    threads = std::max(1, std::min(threads, rows));
    for (int iteration = 1;; ++iteration) {
        std::vector<double> changes(threads, 0.0);
        std::vector<std::thread> workers;
        const auto part = [&](int thread) {
            const int first = 1 + rows * thread / threads;
            const int last = 1 + rows * (thread + 1) / threads;
            changes[thread] = iterate(now, next, first, last, size);
        };
        for (int thread = 1; thread < threads; ++thread) workers.emplace_back(part, thread);
        part(0);
        for (std::thread &worker : workers) worker.join();
        std::swap(now, next);
        const double change = *std::max_element(changes.begin(), changes.end());
        if (change < CONVERGED || iteration == AT_MOST) {
            return {iteration, now.at(size / 2, size / 2), change};
        }
    }
}
