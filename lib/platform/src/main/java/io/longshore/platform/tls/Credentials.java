package io.longshore.platform.tls;

/** How a program shows who it is on its connections, and how it knows who its peers are. */
public sealed interface Credentials permits Certificates, PlaintextOnLoopback {}
