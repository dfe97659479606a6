package io.longshore.linux;

/**
 * What of a whole process is in memory; {@code /proc/PID/smaps_rollup}, bytes.
 *
 * @param residentBytes in memory, shared or not
 * @param proportionalBytes in memory, shared pages divided by the number of sharers; adds up over
 *     processes
 * @param anonymousBytes in memory and of no file
 * @param swappedBytes in swap
 */
public record ResidentMemory(
    long residentBytes, long proportionalBytes, long anonymousBytes, long swappedBytes) {}
