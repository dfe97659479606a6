package io.longshore.agent.workload;

/**
 * An address that moves.
 *
 * @param cidr address with prefix length
 * @param interfaceName interface that has it on the source
 */
public record ServiceAddressFacts(String cidr, String interfaceName) {}
