package io.longshore.source.profile;

/**
 * A range of addresses.
 *
 * @param start first address
 * @param end address behind the last
 */
record AddressRange(long start, long end) {}
