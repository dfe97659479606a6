package io.longshore.agent.workload;

/**
 * A TCP socket.
 *
 * @param localAddress numeric
 * @param localPort port
 * @param established a connection; else it listens
 * @param internal both ends are in the workload
 */
public record TcpSocketFacts(
    String localAddress, int localPort, boolean established, boolean internal) {}
