package io.longshore.coordinator.plan;

/**
 * What a strategy would take.
 *
 * @param strategy the strategy
 * @param expectation what it would take
 * @param rounds before the freeze; 0 without rounds
 * @param converges whether rounds end because the rest fits the downtime budget, also if the
 *     workload writes somewhat more than was seen; of a strategy without rounds true
 */
public record Prediction(
    Strategy strategy, Expectation expectation, int rounds, boolean converges) {}
